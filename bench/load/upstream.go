package load

import (
	"errors"
	"net"
	"sync/atomic"

	"isthmus/bench/wire"
)

// An Upstream answers whatever proxies send to it.
type Upstream struct {
	expects  atomic.Pointer[expectation] // nil between runs: nothing is checked
	sequence [mostCallers]atomic.Uint64  // of the answers to each caller
	requests atomic.Int64                // of callers
	silent   atomic.Bool                 // requests are not answered finally
}

// Serve accepts connections until the listener is closed.
func (u *Upstream) Serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go u.serve(c)
	}
}

// serve answers over one connection until it ends.
func (u *Upstream) serve(c net.Conn) {
	defer c.Close()
	w := wire.NewWriter(c)
	h := new(head)
	_ = wire.Read(c, func(m []byte) {
		h.read(m)
		w.AppendBy(func(dst []byte) []byte { return u.answer(dst, h) })
	}, func() { _ = w.Flush() }) // the proxy sees that it is gone
}

// answer appends what there is to say to a request.
func (u *Upstream) answer(dst []byte, h *head) []byte {
	if h.status() != 0 {
		return dst
	}
	method := h.method()
	id, ok := readIdentity(h.callID)
	if !ok { // a probe of the proxy
		return u.respond(dst, h, identity{}, "200 OK", "")
	}
	e := u.expects.Load()
	if e == nil || id.run != e.run {
		return dst // what is left of a run before
	}
	e.request(h, id, method)
	u.requests.Add(1)
	switch {
	case method == "INVITE" && u.silent.Load():
		return u.respond(dst, h, id, "180 Ringing", e.contact)
	case method == "ACK" || u.silent.Load():
		return dst
	case method == "INVITE":
		dst = u.respond(dst, h, identity{}, "100 Trying", "")
		dst = u.respond(dst, h, id, "180 Ringing", e.contact)
		return u.respond(dst, h, id, "200 OK", e.contact)
	}
	return u.respond(dst, h, id, "200 OK", "")
}

// respond appends one response. The zero identity leaves out the To tag and the number.
func (u *Upstream) respond(dst []byte, h *head, id identity, status, contact string) []byte {
	dst = append(append(append(dst, "SIP/2.0 "...), status...), "\r\n"...)
	for _, v := range h.vias.all() {
		dst = appendHeader(dst, "Via", v)
	}
	for _, v := range h.recordRoutes.all() {
		dst = appendHeader(dst, "Record-Route", v)
	}
	dst = appendHeader(dst, "From", h.from)
	dst = appendHeader(dst, "To", h.to)
	if id.run != 0 {
		dst = u.tagged(dst, h, id)
	}
	dst = appendHeader(dst, "Call-ID", h.callID)
	dst = appendHeader(dst, "CSeq", h.cseq)
	if contact != "" {
		dst = append(append(append(dst, "Contact: <"...), contact...), ">\r\n"...)
	}
	return append(dst, "Content-Length: 0\r\n\r\n"...)
}

// tagged puts a tag behind the To that dst ends with, unless the request has one, and adds the number of the message.
func (u *Upstream) tagged(dst []byte, h *head, id identity) []byte {
	if after(h.to, ";tag=") == nil {
		dst = append(dst[:len(dst)-len("\r\n")], ";tag=t"...)
		dst = append(appendIdentity(dst, id), "\r\n"...)
	}
	dst = append(dst, "X-Sequence: "...)
	from := len(dst)
	dst = append(dst, sequencePlaceholder...)
	putSequence(dst[from:], id.caller, u.sequence[id.caller].Add(1))
	return append(dst, "\r\n"...)
}

func appendIdentity(dst []byte, id identity) []byte {
	from := len(dst)
	dst = append(dst, placeholder...)
	id.put(dst[from:])
	return dst
}

func appendHeader(dst []byte, name string, value []byte) []byte {
	dst = append(append(dst, name...), ": "...)
	return append(append(dst, value...), "\r\n"...)
}
