package sip_test

import (
	"bytes"
	"net/netip"
	"testing"

	"isthmus/internal/sip"
)

func TestAnOrdinaryMessagePassesWithoutAllocations(t *testing.T) {
	buf, m := make([]byte, 0, 4096), new(sip.Message)
	var f sip.Framer
	for name, raw := range samples(t) {
		b := []byte(raw)
		allocs := testing.AllocsPerRun(100, func() {
			skip, length, _ := f.Next(b)
			if m.ParseFramed(b[skip:length], f.Head()) != nil {
				t.Fatal(name)
			}
			buf = pass(buf[:0], m)
		})
		equal(t, name, allocs, 0)
	}
}

var recordRoutes = [][]byte{[]byte("<sip:imp1.synergy.com:5061;transport=tls;lr>")}

// pass does what a proxy does to each message.
func pass(dst []byte, m *sip.Message) []byte {
	if !m.IsRequest() {
		return m.AppendUpstream(dst)
	}
	sender := netip.AddrFrom4([4]byte{192, 0, 2, 99})
	return m.AppendForward(dst, sip.Forward{Via: ours, RecordRoutes: recordRoutes, MaxForwards: 68, Received: sender, RPort: 5061})
}

func BenchmarkFrame(b *testing.B) {
	raw := []byte(sample(b, "message-im.sip"))
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		var f sip.Framer
		if _, length, _ := f.Next(raw); length != len(raw) {
			b.Fatal(length)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, name := range []string{"message-im.sip", "invite-im.sip", "180-two-record-routes.sip"} {
		b.Run(name, func(b *testing.B) {
			raw, m := []byte(sample(b, name)), new(sip.Message)
			head := bytes.Index(raw, []byte("\r\n\r\n")) + 4
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.ParseFramed(raw, head); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkForward(b *testing.B) {
	for _, name := range []string{"message-im.sip", "invite-im.sip", "180-two-record-routes.sip"} {
		b.Run(name, func(b *testing.B) {
			m, dst := parsed(b, sample(b, name)), make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				dst = pass(dst[:0], m)
			}
		})
	}
}
