package pstest

import "fmt"

// The ways in which code ends before its end. They are thrown by panic, because every level between passes them on.
type (
	returnSignal   struct{}
	breakSignal    struct{}
	continueSignal struct{}
	exitSignal     struct{ code int }

	// thrown is an error of PowerShell's, which a script can catch.
	thrown struct{ record *Object }

	// unknown is something that this interpreter or the model does not know; no script can catch it.
	unknown struct{ sentence string }
)

// throw raises an error that a script can catch.
func throw(format string, arguments ...any) {
	panic(thrown{errorRecord(fmt.Sprintf(format, arguments...))})
}

// Throw is for cmdlets: it raises an error that a script can catch.
func Throw(format string, arguments ...any) { throw(format, arguments...) }

// errorRecord is what a catch finds in $_.
func errorRecord(message string) *Object {
	exception := NewObject("Exception", "Message", message)
	exception.Shown = message
	record := NewObject("ErrorRecord", "Exception", exception)
	record.Shown = message
	return record
}

// unknown fails the test with the line and its text.
func (r *run) unknown(n *Node, format string, arguments ...any) {
	panic(unknown{fmt.Sprintf("line %d: the interpreter does not know %s: %s", n.Line, fmt.Sprintf(format, arguments...), lineText(n.source, n.Start))})
}

// caught runs code and returns what it threw, when that is of one kind; all else goes on.
func caught[T any](code func()) (signal T, was bool) {
	defer func() {
		if p := recover(); p != nil {
			signal, was = p.(T)
			if !was {
				panic(p)
			}
		}
	}()
	code()
	return signal, false
}
