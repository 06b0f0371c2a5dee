package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"firedrill/scenarios"
)

// frames is what the kernel does with the frames of services that engines share ("Virtual Service Scaling": forwarded at
// layer 2). It is nftables in the container's network namespace, and needs the capabilities NET_ADMIN and NET_RAW.
//
// The engine that holds the address passes a frame on to the engine that has its flow, by that engine's MAC address; that
// engine takes what another one passes on, though it does not hold the address, and answers the client itself. Only frames
// whose flow the kernel does not know, and those that begin one, are shown to the data path, which chooses. What it
// chose the kernel learns from the frames that leave: who is given the flow's first frame has it, and so has an engine that
// answers. It forgets what has been silent for a while, and asks again.
type frames struct {
	nft    *nftables.Conn
	shared *nftables.Set       // the services whose flows may be at other engines, by address and port
	held   *nftables.Set       // the addresses that this engine holds: what it has given up, it must not pass on
	given  *nftables.Set       // the flows of other engines, with their MAC addresses
	ours   *nftables.Set       // the flows of this one
	others map[netip.Addr]bool // engines that flows may have been given to
	*slowPath
}

const (
	flowsTable = "firedrill-flows"
	flowsKept  = time.Minute // in silence
	flowsMost  = 1 << 16

	afterCuts = 10 // the priority of chains: what is cut (see [Cut]) never comes here

	macSize = 6

	passedOn = 1    // the mark of frames that another engine has passed on
	passedTo = 7001 // the routing table for them, by which every address is local

	dynsetDelete = 2 // NFT_DYNSET_OP_DELETE, which package unix lacks
)

// Registers: of 16 bytes, and the first of these by its parts of 4 bytes.
const (
	regKey, regValue                                     = 1, 2
	regClient, regClientPort, regService, regPort uint32 = 8, 9, 10, 11
)

// newFrames lays out the tables of the engine whose address on the data network is own.
func newFrames(own netip.Addr) (*frames, error) {
	device, err := deviceOf(HardwareAddr(own))
	if err != nil {
		return nil, err
	}
	link, err := netlink.LinkByName(device)
	if err != nil {
		return nil, err
	}
	if err := routePassedOn(); err != nil {
		return nil, fmt.Errorf("routes for flows of other engines: %w", err)
	}
	f := new(frames)
	if f.nft, err = nftables.New(nftables.AsLasting()); err != nil {
		return nil, err
	}
	if err := f.lay(link.Attrs()); err != nil {
		_ = f.nft.CloseLasting()
		return nil, fmt.Errorf("nftables (netdev tables with ingress and egress hooks, dup, log): %w", err)
	}
	if f.slowPath, err = newSlowPath(link.Attrs().Index); err != nil {
		_ = f.nft.CloseLasting()
		return nil, err
	}
	return f, nil
}

// routePassedOn makes every address local for frames that another engine has passed on, and for no others: ARP stays silent
// about it.
func routePassedOn() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	everything := &net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}
	if err := errors.Join(netlink.LinkSetUp(lo), netlink.RouteReplace(&netlink.Route{
		LinkIndex: lo.Attrs().Index, Dst: everything, Table: passedTo, Type: unix.RTN_LOCAL, Scope: netlink.SCOPE_HOST,
	})); err != nil {
		return err
	}
	rule := netlink.NewRule()
	rule.Mark, rule.Table, rule.Family = passedOn, passedTo, netlink.FAMILY_V4
	if err := netlink.RuleAdd(rule); !errors.Is(err, unix.EEXIST) {
		return err
	}
	return nil
}

func (f *frames) lay(link *netlink.LinkAttrs) error {
	table := &nftables.Table{Family: nftables.TableFamilyNetdev, Name: flowsTable}
	f.nft.AddTable(table) // so that there is one to delete: a process that was here before may have left one
	f.nft.DelTable(table)
	f.nft.AddTable(table)
	flow := nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService, nftables.TypeIPAddr, nftables.TypeInetService)
	f.shared = &nftables.Set{Table: table, Name: "shared", KeyType: nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService)}
	f.held = &nftables.Set{Table: table, Name: "held", KeyType: nftables.TypeIPAddr}
	f.ours = &nftables.Set{Table: table, Name: "ours", KeyType: flow, Dynamic: true, HasTimeout: true, Size: flowsMost}
	f.given = &nftables.Set{Table: table, Name: "given", KeyType: flow, Dynamic: true, HasTimeout: true, Size: flowsMost,
		IsMap: true, DataType: nftables.TypeEtherAddr}
	for _, s := range []*nftables.Set{f.shared, f.held, f.ours, f.given} {
		if err := f.nft.AddSet(s, nil); err != nil {
			return err
		}
	}
	priority := nftables.ChainPriorityRef(afterCuts)
	flows := f.nft.AddChain(&nftables.Chain{Table: table, Name: "flows"})
	in := f.nft.AddChain(&nftables.Chain{
		Table: table, Name: "in", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookIngress, Priority: priority, Device: link.Name,
	})
	out := f.nft.AddChain(&nftables.Chain{
		Table: table, Name: "out", Type: nftables.ChainTypeFilter, Hooknum: nftables.ChainHookEgress, Priority: priority, Device: link.Name,
	})
	for _, chain := range []struct {
		*nftables.Chain
		rules [][]expr.Any
	}{{flows, f.chooseWay(link)}, {in, f.arrive(flows)}, {out, f.learn()}} {
		for _, r := range chain.rules {
			f.nft.AddRule(&nftables.Rule{Table: table, Chain: chain.Chain, Exprs: r})
		}
	}
	return f.nft.Flush()
}

// arrive is the rules for every frame that comes in: what another engine passes on belongs here, what a client sends to a
// shared service goes through the chain flows if this engine holds the address, and is lost if not.
func (f *frames) arrive(flows *nftables.Chain) [][]expr.Any {
	first, last := HardwareAddr(scenarios.EngineDataIP(1)), HardwareAddr(scenarios.EngineDataIP(scenarios.MaxEngines))
	fromAnEngine := []expr.Any{
		macAddress(offsetFrom),
		&expr.Range{Op: expr.CmpOpEq, Register: regValue, FromData: first, ToData: last},
	}
	return [][]expr.Any{
		join(toService(), in(f.shared, regService), fromAnEngine, []expr.Any{
			&expr.Immediate{Register: regValue, Data: binaryutil.NativeEndian.PutUint32(passedOn)},
			&expr.Meta{Key: expr.MetaKeyMARK, SourceRegister: true, Register: regValue},
			&expr.Verdict{Kind: expr.VerdictAccept},
		}),
		join(toService(), in(f.shared, regService), in(f.held, regService), []expr.Any{
			&expr.Verdict{Kind: expr.VerdictJump, Chain: flows.Name},
		}),
		join(toService(), in(f.shared, regService), []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}}), // though its socket is here
	}
}

// chooseWay is the rules for a client's frame: one that begins a flow is shown to the data path, one of a given flow is
// passed on, one of this engine's own goes on to its socket, and any other is shown to the data path, too.
func (f *frames) chooseWay(link *netlink.LinkAttrs) [][]expr.Any {
	show := []expr.Any{
		&expr.Log{Key: 1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_QTHRESHOLD, Group: slowGroup, QThreshold: 1},
		&expr.Verdict{Kind: expr.VerdictDrop},
	}
	write := func(register, offset uint32) expr.Any {
		return &expr.Payload{
			OperationType: expr.PayloadWrite, SourceRegister: register, Base: expr.PayloadBaseLLHeader, Offset: offset, Len: macSize,
		}
	}
	passOn := []expr.Any{
		&expr.Lookup{SourceRegister: regKey, DestRegister: regValue, IsDestRegSet: true, SetID: f.given.ID, SetName: f.given.Name},
		write(regValue, offsetTo),
		&expr.Immediate{Register: regValue, Data: link.HardwareAddr},
		write(regValue, offsetFrom),
		&expr.Immediate{Register: regValue, Data: binaryutil.NativeEndian.PutUint32(uint32(link.Index))},
		&expr.Dup{RegDev: regValue, IsRegDevSet: true},
		&expr.Verdict{Kind: expr.VerdictDrop}, // of the original
	}
	begin := []expr.Any{
		macAddress(offsetTo), // which nobody reads: a map wants a value whatever is done
		&expr.Dynset{SrcRegKey: regKey, SrcRegData: regValue, SetID: f.given.ID, SetName: f.given.Name, Operation: dynsetDelete},
	}
	return [][]expr.Any{
		join(toService(), tcpFlags(flagSYN|flagACK, flagSYN), begin, show),
		join(toService(), passOn),
		join(toService(), in(f.ours, regKey), []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}}),
		show,
	}
}

// learn is the rules for every frame that goes out: who answers a client has the flow, and so has who is passed a frame. A
// reset says that the flow is not there.
func (f *frames) learn() [][]expr.Any {
	remember := &expr.Dynset{SrcRegKey: regKey, SetID: f.given.ID, SetName: f.given.Name, Operation: unix.NFT_DYNSET_OP_UPDATE, Timeout: flowsKept}
	has, gets := *remember, *remember
	has.SetID, has.SetName = f.ours.ID, f.ours.Name
	gets.SrcRegData = regValue
	return [][]expr.Any{
		join(toClient(), in(f.shared, regService), tcpFlags(flagRST, 0), []expr.Any{&has}),
		join(toService(), in(f.shared, regService), tcpFlags(flagRST, 0), []expr.Any{
			macAddress(offsetTo), &gets,
		}),
	}
}

// toService loads whose a client's segment of TCP is into regKey.
func toService() []expr.Any { return tcpSegment(regClient, regClientPort, regService, regPort) }

// toClient loads the same for a segment to the client.
func toClient() []expr.Any { return tcpSegment(regService, regPort, regClient, regClientPort) }

func tcpSegment(source, sourcePort, target, targetPort uint32) []expr.Any {
	load := func(register uint32, base expr.PayloadBase, offset, length uint32) expr.Any {
		return &expr.Payload{DestRegister: register, Base: base, Offset: offset, Len: length}
	}
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: regValue},
		&expr.Cmp{Op: expr.CmpOpEq, Register: regValue, Data: binaryutil.BigEndian.PutUint16(unix.ETH_P_IP)},
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: regValue},
		&expr.Cmp{Op: expr.CmpOpEq, Register: regValue, Data: []byte{unix.IPPROTO_TCP}},
		load(source, expr.PayloadBaseNetworkHeader, 12, 4),
		load(sourcePort, expr.PayloadBaseTransportHeader, 0, 2),
		load(target, expr.PayloadBaseNetworkHeader, 16, 4),
		load(targetPort, expr.PayloadBaseTransportHeader, 2, 2),
	}
}

// Flags of TCP, in the byte at flagsAt of its header.
const (
	flagSYN = 1 << 1
	flagRST = 1 << 2
	flagACK = 1 << 4

	flagsAt = 13
)

// tcpFlags wants that of the flags in a mask just some are set.
func tcpFlags(mask, set byte) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: regValue, Base: expr.PayloadBaseTransportHeader, Offset: flagsAt, Len: 1},
		&expr.Bitwise{SourceRegister: regValue, DestRegister: regValue, Len: 1, Mask: []byte{mask}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpEq, Register: regValue, Data: []byte{set}},
	}
}

// macAddress loads the one at an offset of the Ethernet header into regValue.
func macAddress(offset uint32) expr.Any {
	return &expr.Payload{DestRegister: regValue, Base: expr.PayloadBaseLLHeader, Offset: offset, Len: macSize}
}

// in wants what begins at a register in a set.
func in(set *nftables.Set, register uint32) []expr.Any {
	return []expr.Any{&expr.Lookup{SourceRegister: register, SetID: set.ID, SetName: set.Name}}
}

func join(parts ...[]expr.Any) (out []expr.Any) {
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// share says which services are shared from now on, and with whom. Where flows were given is forgotten if an engine is left
// out, because it may be gone.
func (f *frames) share(services map[netip.AddrPort][]netip.Addr) error {
	others := make(map[netip.Addr]bool)
	var elements []nftables.SetElement
	for at, engines := range services {
		key := append(at.Addr().AsSlice(), binaryutil.BigEndian.PutUint16(at.Port())...)
		elements = append(elements, nftables.SetElement{Key: append(key, 0, 0)}) // each part has 4 bytes
		for _, e := range engines {
			others[e] = true
		}
	}
	for e := range f.others {
		if !others[e] {
			f.nft.FlushSet(f.given)
			break
		}
	}
	f.nft.FlushSet(f.shared)
	if err := f.nft.SetAddElements(f.shared, elements); err != nil {
		return err
	}
	if err := f.nft.Flush(); err != nil {
		return err
	}
	f.others = others
	return nil
}

// hold says that the engine holds an address, or that it does so no more.
func (f *frames) hold(ip netip.Addr, holds bool) error {
	change := f.nft.SetDeleteElements
	if holds {
		change = f.nft.SetAddElements
	}
	if err := change(f.held, []nftables.SetElement{{Key: ip.AsSlice()}}); err != nil {
		return err
	}
	return f.nft.Flush()
}

// close ends what the kernel does, and frees what it was told by.
func (f *frames) close() {
	f.nft.DelTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: flowsTable})
	_ = errors.Join(f.nft.Flush(), f.nft.CloseLasting()) // which the end of the namespace does as well
	f.slowPath.close()
}
