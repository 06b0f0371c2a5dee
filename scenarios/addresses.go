package scenarios

import "net/netip"

// The networks, the same in both worlds. They lie in 198.18.0.0/15, which RFC 2544 sets aside for tests of
// network devices, so that they never collide with a network that somebody uses.
//
// Services take their addresses (VIPs) from 198.19.2.0/24 and floating addresses from 198.19.3.0/24 by
// convention; any other free address of [DataNet] does as well.
var (
	ManagementNet = netip.MustParsePrefix("198.18.0.0/17")   // controllers, engines, clients of the API
	EdgeNet       = netip.MustParsePrefix("198.18.128.0/17") // clients behind the gateway
	DataNet       = netip.MustParsePrefix("198.19.0.0/16")   // engines, servers, nearby clients, services

	GatewayOuter = netip.MustParseAddr("198.18.128.1") // the gateway's address in [EdgeNet]
	GatewayInner = netip.MustParseAddr("198.19.0.1")   // and in [DataNet]
)

// How many nodes and clients the numbering has room for.
const (
	MaxEngines    = 240
	MaxServers    = 250
	MaxAPIClients = 250

	maxControllers = 7
)

// ControllerIP is the management address of controller n, from 1: 198.18.0.11 and on.
func ControllerIP(n int) netip.Addr { return nth(198, 18, 0, 10+n) }

// EngineManagementIP is the management address of engine n, from 1 to [MaxEngines]: 198.18.1.1 and on.
func EngineManagementIP(n int) netip.Addr { return nth(198, 18, 1, n) }

// APIClientIP is the management address of client n of the API, from 1: 198.18.2.1 and on.
func APIClientIP(n int) netip.Addr { return nth(198, 18, 2, n) }

// CloudIP is the management address of the management of a cloud: 198.18.3.1.
func CloudIP(n int) netip.Addr { return nth(198, 18, 3, n) }

// OutsideClientIP is the edge address of client n behind the gateway, from 1: 198.18.129.1 and on.
func OutsideClientIP(n int) netip.Addr { return nth(198, 18, 129, n) }

// EngineDataIP is the data address of engine n, from 1 to [MaxEngines]: 198.19.0.11 and on.
func EngineDataIP(n int) netip.Addr { return nth(198, 19, 0, 10+n) }

// ServerIP is the data address of back end n, from 1 to [MaxServers]: 198.19.1.1 and on.
func ServerIP(n int) netip.Addr { return nth(198, 19, 1, n) }

// NearbyClientIP is the data address of client n on the data network itself, from 1: 198.19.4.1 and on.
func NearbyClientIP(n int) netip.Addr { return nth(198, 19, 4, n) }

// NetworkOf tells the name of the network that an address belongs to, and its range; false for an address of none.
func NetworkOf(ip netip.Addr) (name string, net netip.Prefix, ok bool) {
	for _, n := range []struct {
		name string
		net  netip.Prefix
	}{{NetworkManagement, ManagementNet}, {NetworkEdge, EdgeNet}, {NetworkData, DataNet}} {
		if n.net.Contains(ip) {
			return n.name, n.net, true
		}
	}
	return "", netip.Prefix{}, false
}

// Addresses are those that a node of the topology has from the start, one on each network that it is plugged into.
func (n Node) Addresses() []netip.Addr {
	switch n.Role {
	case RoleController:
		return []netip.Addr{ControllerIP(n.Number)}
	case RoleEngine:
		return []netip.Addr{EngineManagementIP(n.Number), EngineDataIP(n.Number)}
	case RoleServer:
		return []netip.Addr{ServerIP(n.Number)}
	case RoleGateway:
		return []netip.Addr{GatewayOuter, GatewayInner}
	case RoleCloud:
		return []netip.Addr{CloudIP(n.Number)}
	}
	return nil // worlds place their clients themselves
}

func nth(a, b, c byte, d int) netip.Addr {
	if d < 1 || d > 254 {
		panic("scenarios: node number out of range") // the loader holds the counts to their limits
	}
	return netip.AddrFrom4([4]byte{a, b, c, byte(d)})
}

// controllerNet holds the controllers and their cluster IP.
var controllerNet = netip.MustParsePrefix("198.18.0.0/24")

// serverNet holds the servers.
var serverNet = netip.MustParsePrefix("198.19.1.0/24")

// reserved are the parts of the data network whose addresses belong to nodes.
var reserved = []struct {
	net netip.Prefix
	of  string
}{
	{netip.MustParsePrefix("198.19.0.0/24"), "the gateway and the engines"},
	{serverNet, "the servers"},
	{netip.MustParsePrefix("198.19.4.0/24"), "the nearby clients"},
}
