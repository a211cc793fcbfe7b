package transport

import (
	"io"
	"strings"
	"testing"

	"isthmus/internal/sip"
)

// One sender with 64 requests under way; both ends' work is counted, the sender's being little.
func BenchmarkAnswer(b *testing.B) {
	for _, size := range []int{0, 600} {
		b.Run(map[int]string{0: "small", 600: "1KB"}[size], func(b *testing.B) { benchmarkAnswer(b, size) })
	}
}

func benchmarkAnswer(b *testing.B, size int) {
	r := newRecorder()
	var space [1024]byte
	r.receive = func(c *Conn, m *sip.Message) {
		<-r.got
		_ = c.Send(m.AppendAnswer(space[:0], sip.Answer{Status: 200}))
	}
	l := newLayer(b, r, Limits{})
	p := connect(b, listenTCP(b, l))
	one := message("MESSAGE", "a", size)
	p.write(b, one)
	length := len(read(b, p))
	const window = 64
	batch, answers := strings.Repeat(one, window), make([]byte, window*length)
	b.ReportAllocs()
	for n := 0; n < b.N; n += window {
		p.write(b, batch)
		if _, err := io.ReadFull(p.lines, answers); err != nil {
			b.Fatal(err)
		}
	}
}

// read returns a response without body.
func read(b *testing.B, p *peer) (text string) {
	for !strings.HasSuffix(text, "\r\n\r\n") {
		line, err := p.lines.ReadString('\n')
		if err != nil {
			b.Fatal(err)
		}
		text += line
	}
	return text
}
