package sip

// kind is a header that the index knows.
type kind uint8

const (
	unknown kind = iota
	via
	from
	to
	callID
	cseq
	maxForwards
	contentLength
	contentType
	route
	recordRoute
	contact
	maxBreadth
	proxyRequire
	kinds
)

// names holds each kind's name for sentences.
var names = [kinds]string{"", "Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type",
	"Route", "Record-Route", "Contact", "Max-Breadth", "Proxy-Require"}

// singletons may occur once only; Content-Length may repeat with an equal value.
var singletons = [kinds]bool{from: true, to: true, callID: true, cseq: true, maxForwards: true, contentType: true, maxBreadth: true}

// header is one line of the index: offsets into the message, folds included.
type header struct {
	start, nameEnd, colon, value, valueEnd, end uint16
	kind                                        kind
}

// kindOf tells the header by its name, long or compact, in any case. Nearly everybody writes names as the RFC does.
func kindOf(name []byte) kind {
	switch string(name) {
	case "Via":
		return via
	case "From":
		return from
	case "To":
		return to
	case "Call-ID":
		return callID
	case "CSeq":
		return cseq
	case "Max-Forwards":
		return maxForwards
	case "Content-Length":
		return contentLength
	case "Content-Type":
		return contentType
	case "Route":
		return route
	case "Record-Route":
		return recordRoute
	case "Contact":
		return contact
	}
	return foldedKind(name)
}

func foldedKind(name []byte) kind {
	switch len(name) {
	case 1:
		return compactKind(lower(name[0]))
	case 2:
		return kindIf(name, "to", to)
	case 3:
		return kindIf(name, "via", via)
	case 4:
		return kindIf(name, "from", from) | kindIf(name, "cseq", cseq)
	case 5:
		return kindIf(name, "route", route)
	case 7:
		return kindIf(name, "call-id", callID) | kindIf(name, "contact", contact)
	case 11:
		return kindIf(name, "max-breadth", maxBreadth)
	case 12:
		return kindIf(name, "max-forwards", maxForwards) | kindIf(name, "record-route", recordRoute) |
			kindIf(name, "content-type", contentType)
	case 13:
		return kindIf(name, "proxy-require", proxyRequire)
	case 14:
		return kindIf(name, "content-length", contentLength)
	}
	return unknown
}

func kindIf(name []byte, small string, k kind) kind {
	if equalFold(name, small) {
		return k
	}
	return unknown
}

func compactKind(letter byte) kind {
	switch letter {
	case 'v':
		return via
	case 'f':
		return from
	case 't':
		return to
	case 'i':
		return callID
	case 'l':
		return contentLength
	case 'c':
		return contentType
	case 'm':
		return contact
	}
	return unknown
}

// compactNames are the long names of all registered compact forms, lower case.
var compactNames = map[byte]string{
	'a': "accept-contact", 'b': "referred-by", 'c': "content-type", 'd': "request-disposition", 'e': "content-encoding",
	'f': "from", 'i': "call-id", 'j': "reject-contact", 'k': "supported", 'l': "content-length", 'm': "contact",
	'n': "identity-info", 'o': "event", 'r': "refer-to", 's': "subject", 't': "to", 'u': "allow-events", 'v': "via",
	'x': "session-expires", 'y': "identity",
}

// sameHeader compares a name of the message with a lower-case long name.
func sameHeader(name []byte, small string) bool {
	if len(name) == 1 {
		return compactNames[lower(name[0])] == small
	}
	return equalFold(name, small)
}

// splitName finds the name and the colon of a header line. Blanks before the colon are tolerated (RFC 3261 section
// 7.3.1 allows them, and the writer drops them); anything but a token in front is not.
func splitName(line []byte) (nameEnd, colon int, ok bool) {
	nameEnd = run(line, 0, tokenChar)
	colon = nameEnd
	for colon < len(line) && (line[colon] == ' ' || line[colon] == '\t') {
		colon++
	}
	return nameEnd, colon, nameEnd > 0 && colon < len(line) && line[colon] == ':'
}
