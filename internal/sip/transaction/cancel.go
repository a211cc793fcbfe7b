package transaction

import "isthmus/internal/sip"

// cancelling is how far the CANCEL of an INVITE is.
type cancelling struct{ wanted, sent bool }

// Cancel asks the far end to stop an INVITE: at once when it has sent a provisional response, else as soon as it does (RFC 3261
// section 9.1). The INVITE's final response, 487 or a 2xx that crossed it, is delivered as ever; when none comes within 64*T1,
// Timeout is called. To other requests, and after a final response, it does nothing.
func (c *Client) Cancel() {
	c.mu.Lock()
	c.cancel.wanted = true
	b := c.takeCancel()
	c.mu.Unlock()
	c.sendCancel(b)
}

// takeCancel returns the CANCEL when it is time to send it, once.
func (c *Client) takeCancel() []byte {
	if !c.invite || c.state != proceeding || c.cancel.sent || !c.cancel.wanted && !c.ended {
		return nil
	}
	c.cancel.sent = true
	c.alarm.endIn(c.table.times.Whole())
	var invite sip.Message
	c.sent(&invite)
	return invite.AppendCancel(nil)
}

// sendCancel sends it in a transaction of its own, which has the INVITE's branch.
func (c *Client) sendCancel(b []byte) {
	if b == nil {
		return
	}
	var m sip.Message
	_ = m.Parse(b) // our own writing
	c.table.Send(new(Client), ClientRequest{
		Branch: m.Via(0).Branch, Method: "CANCEL", Bytes: b, Reliable: c.reliable, User: cancelUser{c.user}, Tally: c.tally,
	})
}

// cancelUser sends a CANCEL as its INVITE was sent. What comes of it shows in what comes of the INVITE.
type cancelUser struct{ invite User }

func (u cancelUser) Write(b []byte) error { return u.invite.Write(b) }
func (cancelUser) Response(*sip.Message)  {}
func (cancelUser) Timeout()               {}
func (cancelUser) TransportError(error)   {}
