package sip

// Error says why a message was refused.
type Error struct {
	Status int    // status of the answer: 400, 414, 505 or 513; 0 when it is not to be answered (a response)
	Reason string // a whole sentence for the log and for a Warning header
	Close  bool   // where the next message begins is no longer known: answer, then close the connection
}

// Error returns the sentence.
func (e *Error) Error() string { return e.Reason }

func badRequest(reason string) *Error { return &Error{Status: 400, Reason: reason} }

func tooLarge(reason string) *Error { return &Error{Status: 513, Reason: reason} }

func framingLost(status int, reason string) *Error {
	return &Error{Status: status, Reason: reason, Close: true}
}
