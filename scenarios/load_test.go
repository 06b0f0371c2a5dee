package scenarios

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample uses every part of the format; tests spoil one line of it at a time.
const sample = `name: sample
about: The leader crashes, and nobody minds.
worlds: [sim, real]
profile: fast
timers:
  dp_hb_timeout_count: 4
duration: 30s
topology:
  controllers: 3
  engines:
    - {group: pair, count: 2}
    - {group: spare, count: 1}
  servers: 2
  hosts:
    - {name: big, rack: a, nodes: [engine-1, server-1]}
  network: {latency: 1ms..2ms, loss: 0.5%, arp_expiry: 30s}
  disk: {sync: 1ms}
  clocks: {offset: 0s, drift: 0}
config:
  clouds:
    - name: lab
  service_engine_groups:
    - name: pair
      cloud_ref: lab
      ha_mode: HA_MODE_LEGACY_ACTIVE_STANDBY
      floating_intf_ip: [198.19.3.1]
    - name: spare
  health_monitors:
    - {name: tcp, type: HEALTH_MONITOR_TCP}
  pools:
    - name: web
      servers: [{ip: 198.19.1.1, port: 80}]
      health_monitor_refs: [tcp]
  virtual_services:
    - {name: web, vip: 198.19.2.1, port: 80, pool_ref: web, se_group_ref: pair}
workload:
  probes: {every: 200ms}
  mix: {clients: 2, rate: 2.5}
  operations:
    - {at: 6s..7s, client: bob, do: create, key: Pool/extra, value: '{"name": "extra", "servers": []}'}
    - {at: 8s, client: bob, do: list, key: Pool}
faults:
  - {at: 10s..12s, fault: crash, target: leader, for: 2s..3s}
  - {at: 11s, fault: delay, target: host(engine-1), to: active(pair), network: data, for: 1s, delay: 5ms..9ms}
  - {at: 15s, fault: power-loss, targets: [rack(a), 'follower[1]'], every: 3s, for: 1s}
expect:
  outages:
    - {service: web, max: 450ms}
    - {service: api, max: 2s}
  failovers:
    - {of: pair, max: 1}
`

func mustParse(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("sample.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func replaceOnce(t *testing.T, text, old, new string) string {
	t.Helper()
	if strings.Count(text, old) != 1 {
		t.Fatalf("the sample holds %q %d times", old, strings.Count(text, old))
	}
	return strings.Replace(text, old, new, 1)
}

// TestErrors spoils the sample in one place and wants to be told which, and what would be right.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ old, new, at, says string }{
		// the document
		{"target: leader", "targt: leader", "43:34", `unknown key "targt" in faults[0]; did you mean "target"?`},
		{"duration: 30s", "xyzzyplugh: 30s", "7:1", `unknown key "xyzzyplugh" in the scenario; use one of name, about,`},
		{"duration: 30s", "duration: 30", "7:11", `"30" is not a duration`},
		{"duration: 30s", "duration: [30s]", "7:11", "duration: here stands a list; write a duration"},
		{"duration: 30s", "duration:", "7:10", "duration: here stands nothing; write a duration"},
		{"duration: 30s", "duration: -30s", "7:11", "negative"},
		{"duration: 30s", "duration: *x", "7:11", "duration: here stands an anchor, alias or tag, which scenarios do not use"},
		{"duration: 30s", "duration: &x 30s", "7:11", "anchor"},
		{"duration: 30s", "duration: !t 30s", "7:11", "tag"},
		{"duration: 30s", "duration: >\n  thirty", "7:11", `"thirty" is not a duration`},
		{"about: The leader crashes, and nobody minds.", "about: *x", "2:8", "alias"},
		{"name: sample", "name: 12", "1:7", "name: here stands the number 12; write text"},
		{"name: sample", "name: sample\nname: sample", "2:1", `"name"`},
		{"controllers: 3", "controllers: three", "9:16", "topology.controllers: here stands text; write a whole number"},
		{"controllers: 3", "controllers: 99999999999999999999", "9:16", "write a whole number"},
		{"drift: 0", "drift: 0.5", "18:31", "topology.clocks.drift: here stands the number 0.5; write a whole number"},
		{"port: 80}]", "port: 65536}]", "32:40", "write a whole number from 0 to 65535"},
		{"vip: 198.19.2.1", "vip: 198.19.2.300", "35:24", `"198.19.2.300" is not an IP address`},
		{"loss: 0.5%", "loss: 0.5", "16:38", `"0.5" is not a share`},
		{"loss: 0.5%", "loss: 100.5%", "16:38", "more than everything"},
		{"at: 10s..12s", "at: 12s..10s", "43:10", "12s..10s runs backwards; write the shorter time first: 10s..12s"},
		{"topology:", "topology: [", "", ""},
		{"faults:", "---\nfaults:", "", "a second document"},
		{"faults:", "faults: {", "", ""},
		// the heading
		{"name: sample", "name: ''", "1:7", "there is none; write one"},
		{"about: The leader crashes, and nobody minds.", "about: ''", "2:8", "say in one sentence"},
		{"worlds: [sim, real]", "worlds: [sim, reel]", "3:15", `"reel" is unknown; did you mean "real"?`},
		{"worlds: [sim, real]", "worlds: []", "3:9", "use one of sim, real"},
		{"profile: fast", "profile: fats", "4:10", `did you mean "fast"?`},
		{"dp_hb_timeout_count: 4", "dp_hb_timeout_count: 1", "6:24", "timers.dp_hb_timeout_count: 1 is out of range; use 2 to 1000"},
		{"duration: 30s", "duration: 0s", "7:11", "it lasts no time; say how long"},
		// the topology
		{"controllers: 3", "controllers: 2", "9:16", "2 controllers; a cluster has 1 or 3"},
		{"{group: pair, count: 2}", "{group: pair, count: 3}", "23:13", "has exactly 2 engines; topology.engines gives it 3"},
		{"{group: pair, count: 2}", "{group: pear, count: 2}", "11:15", `no group "pear"; did you mean "pair"?`},
		{"{group: spare, count: 1}", "{group: pair, count: 1}", "12:15", `group "pair" is listed twice`},
		{"{group: spare, count: 1}", "{group: spare, count: 9000}", "12:29", "9000 is out of range; use 1 to 240"},
		{"nodes: [engine-1, server-1]", "nodes: [engine-1, server-9]", "15:46", `there is no node "server-9"; did you mean "server-1"?`},
		{"nodes: [engine-1, server-1]", "nodes: [engine-1, engine-1]", "15:46", "on host"},
		{"{name: big,", "{name: host-engine-2,", "15:14", "is the host of engine-2"},
		{"arp_expiry: 30s", "arp_expiry: 0s", "16:56", "0s is out of range"},
		// the configuration
		{"ha_mode: HA_MODE_LEGACY_ACTIVE_STANDBY", "ha_mode: HA_MODE_LEGACY", "25:16", "ha_mode: \"HA_MODE_LEGACY\" is unknown; use one of"},
		{"cloud_ref: lab", "cloud_ref: lob", "24:18", "Cloud/lob does not exist"},
		{"health_monitor_refs: [tcp]", "health_monitor_refs: [udp]", "33:28", "HealthMonitor/udp does not exist"},
		{"pool_ref: web", "pool_ref: wab", "35:56", "Pool/wab does not exist"},
		{"se_group_ref: pair", "se_group_ref: pear", "35:75", "ServiceEngineGroup/pear does not exist"},
		{"vip: 198.19.2.1", "vip: 10.0.0.1", "35:24", "10.0.0.1 is not in the data network 198.19.0.0/16"},
		{"vip: 198.19.2.1", "vip: 198.19.0.12", "35:24", "belongs to the gateway and the engines"},
		{"{name: web, vip: 198.19.2.1,", "{name: api, vip: 198.19.2.1,", "35:14", `"api" is the API itself`},
		{"{ip: 198.19.1.1, port: 80}", "{ip: 198.19.1.3, port: 80}", "32:22", "no server has the address 198.19.1.3; the 2 servers"},
		{"workload:\n", "    - {name: web2, vip: 198.19.2.1, port: 80, pool_ref: web, se_group_ref: pair}\nworkload:\n", "36:43", "198.19.2.1:80 belongs to virtual service web"},
		{"workload:\n", "    - {name: web2, vip: 198.19.2.1, port: 81, pool_ref: web, se_group_ref: spare}\nworkload:\n", "36:25", "198.19.2.1 belongs to group pair"},
		{"workload:\n", "    - {name: web, vip: 198.19.2.2, port: 80, pool_ref: web, se_group_ref: pair}\nworkload:\n", "36:14", `there is a VirtualService "web" already`},
		// the workload
		{"every: 200ms", "every: 1ms", "37:11", "workload.probes.fast: 5ms is out of range; use 1ms to 1ms"},
		{"rate: 2.5", "rate: .inf", "38:27", "write a number"},
		{"rate: 2.5", "rate: -2", "38:27", "-2 operations a second are out of range"},
		{"rate: 2.5", "rate: 2.5, keys: 0", "38:38", "0 is out of range; use 1 to 1000"},
		{"rate: 2.5", "rate: 2.5, from: 29s", "38:8", "28s is not after from, 29s"},
		{"at: 6s..7s", "at: 6s..70s", "40:12", "6s..1m10s comes too late; the run is over at 30s"},
		{"do: create", "do: crate", "40:37", `"crate" is unknown; did you mean "create"?`},
		{"key: Pool/extra", "key: extra", "40:50", `"extra" is not a key`},
		{`"servers": []`, `"servants": []`, "40:69", `unknown field "servants"`},
		{`"name": "extra"`, `"name": "other"`, "40:69", `"other" is not the one in the key`},
		{"client: bob, do: list", "client: engine-1, do: list", "41:24", "is taken"},
		{"do: list, key: Pool", "do: list, key: Pond", "41:44", `unknown kind "Pond"`},
		// the faults
		{"fault: crash", "fault: crush", "43:27", `"crush" is no fault; did you mean "crash"?`},
		{"fault: crash", "fault: earthquake", "43:27", "use one of crash, power-loss, disk-loss,"},
		{"fault: crash", "fault: crash, loss: 5%", "43:40", "a crash does not take it"},
		{"delay: 5ms..9ms", "loss: 5%", "44:101", "a delay does not take it"},
		{"for: 1s, delay: 5ms..9ms", "for: 1s", "44:5", "a delay cannot do without it"},
		{"fault: crash", "fault: bit-rot", "43:57", "a bit-rot happens at a moment, and cannot be taken back; leave it out"},
		{"fault: crash", "fault: clock-fast, share: 60%", "43:46", "60% is too much for a clock; write up to 50%"},
		{"fault: crash", "fault: clock-ahead", "43:5", "a clock-ahead cannot do without it"},
		{"fault: crash", "fault: flapping-link, period: 1us", "43:50", "1µs is shorter than a link takes to come up; write 1ms or more"},
		{"fault: crash", "fault: host-maintenance", "43:27", "there is no cloud"},
		{"for: 1s, delay: 5ms..9ms", "delay: 5ms..9ms", "44:5", "a delay needs to know how long it lasts"},
		{"at: 10s..12s", "at: 10s..32s", "43:10", "comes too late; the run is over at 30s"},
		{"target: leader", "target: leder", "43:42", `"leder" is no selector; did you mean "leader"?`},
		{"target: leader", "target: ''", "43:42", "nobody is named"},
		{"target: leader", "target: active(pear)", "43:42", `no group "pear"; did you mean "pair"?`},
		{"target: leader", "target: standby(spare)", "43:42", "only a group of HA_MODE_LEGACY_ACTIVE_STANDBY has an active"},
		{"target: leader", "target: primary(wed)", "43:42", `has no service "wed"; did you mean "web"?`},
		{"target: leader", "target: secondary(web)", "43:42", "only services of an elastic group have a primary and secondaries"},
		{"target: leader", "target: controller-4", "43:42", `there is no node "controller-4"`},
		{"target: leader", "target: follower[2]", "43:50", "must be specified"},
		{"target: leader", "target: 'follower[2]'", "43:42", "there is no follower[2]; 2 of 3 controllers follow"},
		{"target: leader", "target: leader, targets: [all]", "43:42", "use one of the two"},
		{"rack(a)", "rack(b)", "45:44", `there is no rack "b"`},
		{"every: 3s", "every: 20s", "45:76", "the last of 2 targets is struck too late"},
		{"network: data", "network: date", "44:80", `did you mean "data"?`},
		{"fault: crash", "fault: partition, to: leader", "43:42", "leader has no link to itself; name somebody else"},
		{"fault: crash", "fault: partition, to: servers", "43:42", "leader and servers are on no network together; one is on [management], the other on [data]"},
		{"fault: crash", "fault: partition, network: data", "43:47", "leader and all have no link there; use one of [management], or leave it out"},
		{"fault: crash, ", "", "43:5", "no fault is named; write one"},
		// what is expected
		{"{service: web,", "{service: wab,", "48:17", `"wab" is unknown; did you mean "web"?`},
		{"{of: pair, max: 1}", "{of: pair, min: 2, max: 1}", "51:31", "1 is less than min, 2"},
		{"{of: pair, max: 1}", "{of: pear, max: 1}", "51:12", `did you mean "pair"?`},
	} {
		_, err := Parse("sample.yaml", []byte(replaceOnce(t, sample, c.old, c.new)))
		var input *InputError
		if !errors.As(err, &input) {
			t.Errorf("%q: got %v, want an InputError", c.new, err)
			continue
		}
		if !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), "sample.yaml:"+c.at) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got\n  %v\nwant it at %s and to say %q", c.new, err, c.at, c.says)
		}
	}
}

func TestDefaults(t *testing.T) {
	s := mustParse(t, "name: small\nabout: Nothing happens.\nduration: 10s\ntopology: {controllers: 1}\nworkload: {mix: {clients: 1, rate: 1}}\n")
	got := []any{s.Worlds, s.Profile, s.Topology.Network, s.Topology.Disk, s.Topology.Clocks, s.Workload.Probes, *s.Workload.Mix, s.Expect}
	const sec, ms, us = 1e9, 1e6, 1e3
	want := []any{[]string{"sim"}, "fast", Network{Span{100 * us, 300 * us}, Tail{1000, Span{ms, 5 * ms}}, 1000, Span{}, 0, 60 * sec}, Disk{Span{500 * us, 2 * ms}}, Clocks{Span{0, 500 * ms}, 50},
		Probes{100 * ms, 5 * ms, 50 * ms}, Mix{Clients: 1, Rate: 1, Keys: 5, Readers: 5, From: at(3 * sec), Until: at(8 * sec)}, s.Expect}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if s.Expect.DualActive != 100*ms || s.Expect.RecoverWithin != 5*sec {
		t.Errorf("expect defaults to %+v", s.Expect)
	}
	if c := mustParse(t, sample).Topology.Clocks; c != (Clocks{}) {
		t.Errorf("clocks that are exact by the scenario's word became %+v", c)
	}
}

// TestRecoverWithin: what is due within the default must be possible with the timers.
func TestRecoverWithin(t *testing.T) {
	for _, c := range []struct {
		timers string
		want   time.Duration
	}{
		{"", 5 * time.Second},
		{"profile: documented\n", 313 * time.Second},
		{"profile: documented\ntimers: {controller_heartbeat: 1s}\n", 169 * time.Second},
		{"timers: {controller_failed_heartbeats: 10}\n", 7 * time.Second},
		{"profile: documented\nexpect: {recover_within: 7s}\n", 7 * time.Second},
	} {
		s := mustParse(t, "name: small\nabout: Nothing happens.\nduration: 10s\ntopology: {controllers: 1}\n"+c.timers)
		if got := s.Expect.RecoverWithin.Std(); got != c.want {
			t.Errorf("%q: %v, want %v", c.timers, got, c.want)
		}
	}
}

// TestLayoutIsExplained: a slip of indentation is the most frequent one, and the parser's own words for it help nobody.
func TestLayoutIsExplained(t *testing.T) {
	const head = "name: x\nabout: y\nduration: 20s\ntopology:\n  controllers: 3\n"
	for _, c := range []struct{ text, at, says string }{
		{head + "   servers: 2\n", "6:1", "indented by 3 blanks, but the lines around it by 0 or 2"},
		{head + " servers: 2\n", "6:1", "indented by 1 blank,"},
		{head + "faults:\n  - at: 8s\n   fault: crash\n", "8:1", "indented by 3 blanks, but the lines around it by 0, 2 or 4"},
		{head + "faults:\n  - {at: 8s, fault: crash, target: leader}\n - {at: 9s}\n", "8:1", "indented by 1 blank,"},
		{"name: x\n about: y\n", "2:1", "indented by 1 blank, but the lines around it by 0;"},
		{"name: x\nabout: y: z\n", "2:1", "stands in quotes"},
		{"name: x\ntopology:\n\tcontrollers: 3\n", "3:1", "a tab"},
		{"name: x\nabout: \"abc\n", "2:8", "could not find end character"},
	} {
		_, err := Parse("s.yaml", []byte(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), "s.yaml:"+c.at+": ") || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: got\n  %v\nwant it at %s and to say %q", c.text, err, c.at, c.says)
		}
	}
}

// TestLayoutOfTheSuite: what is laid out well is never blamed on its layout.
func TestLayoutOfTheSuite(t *testing.T) {
	files, err := suite.ReadDir("suite")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := suite.ReadFile("suite/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(data), "\n")
		if line, says := layout(string(data), lines); says != "" && !strings.Contains(says, "colon") {
			t.Errorf("%s:%d: %s", f.Name(), line, says)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample.yaml")
	if err := os.WriteFile(path, []byte(sample), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := Load(path)
	if err != nil || s.Name != "sample" {
		t.Errorf("Load gave %v, %v", s, err)
	}
	if _, err := Load(path + ".json"); err == nil || !strings.Contains(err.Error(), "ends in .yaml") {
		t.Errorf("a file that is not YAML by name gave %v", err)
	}
	if _, err := Load(path + ".yml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there gave %v", err)
	}
	if _, err := Parse("x.yaml", []byte("# nothing\n")); err == nil || !strings.Contains(err.Error(), "x.yaml: there is nothing in it") {
		t.Errorf("an empty file gave %v", err)
	}
}

// sameAgain checks that what was parsed means the same once it is written and read again.
func sameAgain(t *testing.T, s *Scenario) []byte {
	t.Helper()
	out, err := Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse("again.yaml", out)
	if err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	if diff := equal(s, again); diff != "" {
		t.Fatalf("it comes back changed:\n%s\n%s", diff, out)
	}
	return out
}

func TestMarshal(t *testing.T) {
	out := string(sameAgain(t, mustParse(t, sample)))
	for _, line := range []string{"  - at: 10s..12s\n    fault: crash\n    target: leader\n    for: 2s..3s\n", "    loss: 0.5%\n", "    drift: 0\n"} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is not in\n%s", line, out)
		}
	}
	for _, word := range []string{"null", ": {}\n", ": []\n", "disabled"} { // what is unset is left out
		if strings.Contains(out, word) {
			t.Errorf("%q is in\n%s", word, out)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	for _, data := range suiteFiles(f) {
		f.Add(data)
	}
	f.Add([]byte("name: a\nabout: |\n  b\nduration: 1s\ntopology: {controllers: 1}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("fuzz.yaml", data)
		if err != nil {
			var input *InputError
			if !errors.As(err, &input) || strings.Contains(input.Problem, "\n") {
				t.Fatalf("the error is no single line of an InputError: %q", err)
			}
			lines := 1 + bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte("\r")) // a line of YAML may end in either
			if input.Line > lines || (input.Line < 1) != (input.Column < 1) {
				t.Fatalf("%d:%d is no place in %d lines: %v", input.Line, input.Column, lines, err)
			}
			return
		}
		sameAgain(t, s)
	})
}
