package transaction

import (
	"testing"

	"isthmus/internal/sip"
)

// BenchmarkTransaction is the two transactions of a MESSAGE on its way through: as server it is received and answered, as client it
// is sent and its answer found.
func BenchmarkTransaction(b *testing.B) {
	t := New(Wall())
	in, response := new(sip.Message), new(sip.Message)
	if err := in.Parse(request{method: "MESSAGE", via: viaA, number: 1}.bytes()); err != nil {
		b.Fatal(err)
	}
	out := request{method: "MESSAGE", via: ourVia, number: 1}.bytes()
	forwarded := new(sip.Message)
	if err := forwarded.Parse(out); err != nil {
		b.Fatal(err)
	}
	answer := forwarded.AppendAnswer(nil, sip.Answer{Status: 200, ToTag: "t"})
	if err := response.Parse(answer); err != nil {
		b.Fatal(err)
	}
	discard := func([]byte) {}
	b.ReportAllocs()
	for b.Loop() {
		server, verdict := receiveWith(t, in, true, discard)
		if verdict != Fresh {
			b.Fatal(verdict)
		}
		send(t, call{
			Branch: "z9hG4bKours", Method: "MESSAGE", Bytes: out, Reliable: true,
			Send: func([]byte) error { return nil }, Response: func(*sip.Message) { server.Respond(answer, 200) },
			Timeout: func() {}, TransportError: func(error) {},
		})
		if !t.Response(response) {
			b.Fatal("the answer found no transaction")
		}
	}
}
