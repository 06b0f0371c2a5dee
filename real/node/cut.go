package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"firedrill/scenarios"
)

// Cut is a link that loses frames, made by nftables in the container's network namespace, where each command works on its
// own (capability NET_ADMIN). A container that is started again has a new namespace, and nothing is cut there.
//
// Frames are told apart by the MAC addresses that [HardwareAddr] gives, as the simulator's are by machine: so ARP is cut,
// virtual addresses are, and what comes through the gateway is the gateway's. Exact is In alone, at every receiver, or
// everybody as a peer: Out cannot pick the receivers of a broadcast.
//
// What is cut whole still lets through the acknowledgements of messages in the other direction (see [Port]), without which
// TCP could not be cut in one direction. They carry nothing for a node.
type Cut struct {
	ID      int
	Peers   []netip.Addr // of containers; none: everybody
	Network string       // "": all
	In      bool         // frames from them
	Out     bool         // frames to them
	Loss    scenarios.Ratio
}

const (
	cutTable = "firedrill"

	offsetTo   = 0 // of the MAC addresses in an Ethernet header
	offsetFrom = 6
)

// Strike puts the cut in force, in the container of a spec and instead of one with its id.
func (c *Cut) Strike(spec *Spec) error {
	plan, err := scenarios.Parse(spec.Name, []byte(spec.Plan))
	if err != nil {
		return err
	}
	if err := MendCut(c.ID); err != nil {
		return err
	}
	own, err := spec.addresses(plan)
	if err != nil {
		return err
	}
	nft, err := nftables.New()
	if err != nil {
		return err
	}
	table := nft.AddTable(&nftables.Table{Family: nftables.TableFamilyNetdev, Name: cutTable})
	fate := nft.AddChain(&nftables.Chain{Table: table, Name: c.chain()})
	for _, r := range c.fate() {
		nft.AddRule(&nftables.Rule{Table: table, Chain: fate, Exprs: r})
	}
	for _, network := range networksOf(own) {
		if c.Network != "" && c.Network != network.name {
			continue
		}
		if err := c.lay(nft, table, network); err != nil {
			return err
		}
	}
	if err := nft.Flush(); err != nil {
		return fmt.Errorf("nftables (capability NET_ADMIN; netdev tables with ingress and egress hooks): %w", err)
	}
	return nil
}

type cutNetwork struct {
	name string
	mac  net.HardwareAddr // of the container there
}

func networksOf(own []netip.Addr) []cutNetwork {
	var out []cutNetwork
	for _, ip := range own {
		name, _, _ := scenarios.NetworkOf(ip)
		if !slices.ContainsFunc(out, func(n cutNetwork) bool { return n.name == name }) {
			out = append(out, cutNetwork{name, HardwareAddr(ip)})
		}
	}
	return out
}

// lay leads the frames from and to the peers on one network to their fate.
func (c *Cut) lay(nft *nftables.Conn, table *nftables.Table, network cutNetwork) error {
	device, err := deviceOf(network.mac)
	if err != nil {
		return err
	}
	direct := func(hook *nftables.ChainHook, name string, offset uint32) {
		chain := nft.AddChain(&nftables.Chain{
			Table: table, Name: name + "-" + device, Type: nftables.ChainTypeFilter, Hooknum: hook,
			Priority: nftables.ChainPriorityFilter, Device: device,
		})
		for _, which := range c.frames(network.name, offset) {
			nft.AddRule(&nftables.Rule{Table: table, Chain: chain, UserData: c.mark(),
				Exprs: append(which, &expr.Verdict{Kind: expr.VerdictJump, Chain: c.chain()})})
		}
	}
	if c.In {
		direct(nftables.ChainHookIngress, "in", offsetFrom)
	}
	if c.Out {
		direct(nftables.ChainHookEgress, "out", offsetTo)
	}
	return nil
}

// frames are the conditions each of which picks frames that the cut concerns, by the MAC address at an offset.
func (c *Cut) frames(network string, offset uint32) [][]expr.Any {
	if c.Peers == nil {
		return [][]expr.Any{nil}
	}
	var out [][]expr.Any
	for _, ip := range onNetwork(c.Peers, network) {
		mac := HardwareAddr(ip)
		out = append(out, []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseLLHeader, Offset: offset, Len: uint32(len(mac))},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: mac},
		})
	}
	return out
}

// fate is the rules for a frame that the cut concerns: dropped, or in its share.
func (c *Cut) fate() [][]expr.Any {
	if c.Loss > 0 && c.Loss < scenarios.Whole {
		return [][]expr.Any{{
			&expr.Numgen{Register: 1, Modulus: uint32(scenarios.Whole), Type: unix.NFT_NG_RANDOM},
			&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 4, Size: 4},
			&expr.Cmp{Op: expr.CmpOpLt, Register: 1, Data: binaryutil.BigEndian.PutUint32(uint32(c.Loss))},
			&expr.Verdict{Kind: expr.VerdictDrop},
		}}
	}
	const etherTypeIPv4, ipProtocolAt, tcp = 0x0800, 9, 6
	return [][]expr.Any{
		{
			&expr.Meta{Key: expr.MetaKeyPROTOCOL, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(etherTypeIPv4)},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: ipProtocolAt, Len: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{tcp}},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 2}, // the source port
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(Port)},
			&expr.Verdict{Kind: expr.VerdictReturn},
		},
		{&expr.Verdict{Kind: expr.VerdictDrop}},
	}
}

func (c *Cut) chain() string { return "cut-" + strconv.Itoa(c.ID) }

// mark tells the rules of this cut from those of others.
func (c *Cut) mark() []byte { return []byte(c.chain()) }

// MendCut ends the cut with an id in this network namespace; there need not be one.
func MendCut(id int) error {
	c := Cut{ID: id}
	nft, err := nftables.New()
	if err != nil {
		return err
	}
	chains, err := nft.ListChainsOfTableFamily(nftables.TableFamilyNetdev)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("nftables: %w", err)
	}
	var fate *nftables.Chain
	for _, chain := range chains {
		switch {
		case chain.Table.Name != cutTable:
		case chain.Name == c.chain():
			fate = chain
		case chain.Hooknum != nil:
			rules, err := nft.GetRules(chain.Table, chain)
			if err != nil {
				return fmt.Errorf("nftables: %w", err)
			}
			for _, r := range rules {
				if string(r.UserData) == c.chain() {
					if err := nft.DelRule(r); err != nil {
						return fmt.Errorf("nftables: %w", err)
					}
				}
			}
		}
	}
	if fate == nil {
		return nil
	}
	nft.DelChain(fate)
	if err := nft.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// deviceOf is the name of the interface with a MAC address.
func deviceOf(mac net.HardwareAddr) (string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range all {
		if slices.Equal(i.HardwareAddr, mac) {
			return i.Name, nil
		}
	}
	return "", fmt.Errorf("no interface has the MAC address %v: the node has not started", mac)
}
