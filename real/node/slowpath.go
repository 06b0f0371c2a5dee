package node

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"firedrill/model"
)

// slowPath shows frames to the data path, by the kernel's log of packets (NFLOG), and lets it send them on.
type slowPath struct {
	shown  *netlink.Conn
	device int // the index of the interface on the data network
	out    int // a socket for frames there
	here   int // a socket for packets to this machine
}

// slowGroup is the log's, of this network namespace.
const slowGroup = 7001

// The kernel's linux/netfilter/nfnetlink_log.h.
const (
	logPacket, logConfig = 0, 1 // messages

	logCommand, logMode, logThreshold, logPayload = 1, 2, 5, 9 // attributes

	logBind, logWhole = 1, 2
)

func newSlowPath(device int) (*slowPath, error) {
	s := &slowPath{device: device}
	var err error
	if s.out, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return nil, fmt.Errorf("socket for frames (capability NET_RAW): %w", err)
	}
	if s.here, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_RAW); err != nil {
		return nil, errors.Join(fmt.Errorf("socket for packets (capability NET_RAW): %w", err), unix.Close(s.out))
	}
	if s.shown, err = openLog(); err != nil {
		return nil, errors.Join(fmt.Errorf("NFLOG (capability NET_ADMIN): %w", err), unix.Close(s.out), unix.Close(s.here))
	}
	return s, nil
}

func openLog() (*netlink.Conn, error) {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return nil, err
	}
	_ = c.SetReadBuffer(1 << 20)             // as much as there may be
	_ = c.SetOption(netlink.NoENOBUFS, true) // what does not fit is lost as on a wire
	attributes := netlink.NewAttributeEncoder()
	attributes.Bytes(logCommand, []byte{logBind})
	attributes.Bytes(logMode, []byte{0, 0, 0xff, 0xff, logWhole, 0}) // up to so many bytes
	attributes.Bytes(logThreshold, []byte{0, 0, 0, 1})               // each at once
	data, err := attributes.Encode()
	if err == nil {
		header := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, unix.NFNETLINK_V0}, slowGroup)
		_, err = c.Execute(netlink.Message{
			Header: netlink.Header{Type: unix.NFNL_SUBSYS_ULOG<<8 | logConfig, Flags: netlink.Request | netlink.Acknowledge},
			Data:   append(header, data...),
		})
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// receive waits for segments.
func (s *slowPath) receive() (out []*segment, err error) {
	messages, err := s.shown.Receive()
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		const header = 4
		if m.Header.Type != unix.NFNL_SUBSYS_ULOG<<8|logPacket || len(m.Data) < header {
			continue
		}
		attributes, err := netlink.NewAttributeDecoder(m.Data[header:])
		if err != nil {
			continue
		}
		for attributes.Next() {
			if attributes.Type() != logPayload {
				continue
			}
			if seg := parseSegment(attributes.Bytes()); seg != nil {
				out = append(out, seg)
			}
		}
	}
	return out, nil
}

// passOn sends a segment to another engine. What is larger than a frame, because interfaces without a wire leave it whole,
// cannot be sent: the client sends it again, in pieces.
func (s *slowPath) passOn(seg *segment, engine netip.Addr) error {
	to := &unix.SockaddrLinklayer{Protocol: binary.NativeEndian.Uint16([]byte{unix.ETH_P_IP >> 8, unix.ETH_P_IP & 0xff}), Ifindex: s.device}
	to.Halen = uint8(copy(to.Addr[:], HardwareAddr(engine)))
	return unix.Sendto(s.out, seg.packet, 0, to)
}

// take hands a segment to this machine's own sockets.
func (s *slowPath) take(seg *segment) error {
	return unix.Sendto(s.here, seg.packet, 0, &unix.SockaddrInet4{Addr: seg.flow.Service.Addr().As4()})
}

func (s *slowPath) close() {
	_ = errors.Join(s.shown.Close(), unix.Close(s.out), unix.Close(s.here))
}

// segment is a packet of TCP from a client.
type segment struct {
	flow   model.Flow
	begins bool // it asks for a new flow
	packet []byte
}

// parseSegment returns nil for what is none, or not whole. It writes the checksum of TCP, which is not there yet where a
// client's interface has no wire.
func parseSegment(packet []byte) *segment {
	const shortest, protocolAt, checksumAt = 20, 9, 16
	if len(packet) < shortest || packet[0]>>4 != 4 || packet[protocolAt] != unix.IPPROTO_TCP {
		return nil
	}
	length, head := int(binary.BigEndian.Uint16(packet[2:])), int(packet[0]&0xf)*4
	if len(packet) < length || length < head+shortest {
		return nil
	}
	packet = packet[:length]
	tcp := packet[head:]
	binary.BigEndian.PutUint16(tcp[checksumAt:], 0)
	pseudo := binary.BigEndian.AppendUint32(nil, uint32(len(tcp)+unix.IPPROTO_TCP))
	binary.BigEndian.PutUint16(tcp[checksumAt:], ^sum(sum(sum(0, packet[12:shortest]), pseudo), tcp))
	return &segment{
		flow: model.Flow{
			Client:  netip.AddrPortFrom(netip.AddrFrom4([4]byte(packet[12:])), binary.BigEndian.Uint16(tcp)),
			Service: netip.AddrPortFrom(netip.AddrFrom4([4]byte(packet[16:])), binary.BigEndian.Uint16(tcp[2:])),
		},
		begins: tcp[flagsAt]&(flagSYN|flagACK) == flagSYN,
		packet: packet,
	}
}

// sum adds up 16-bit words in ones' complement (RFC 1071).
func sum(of uint16, b []byte) uint16 {
	total := uint32(of)
	for i := 0; i+1 < len(b); i += 2 {
		total += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	if len(b)%2 == 1 {
		total += uint32(b[len(b)-1]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint16(total)
}
