package transport

// A Shed is whom a layer turns away to do with less memory. What peers that are turned away had asked before is lost to
// them no more than with any other connection that fails.
type Shed int32

// Each turns away more than the one before.
const (
	ShedNobody      Shed = iota
	ShedStrangers        // connections of peers that the Handler does not know, open ones too
	ShedConnections      // every new connection
)

// Shed sets whom the layer turns away from now on. Datagrams hold nothing and are taken as ever.
func (l *Layer) Shed(s Shed) {
	l.shed.Store(int32(s))
	if s >= ShedStrangers {
		l.dismiss()
	}
}

// sheds reports whether connections of peers of that kind are turned away.
func (l *Layer) sheds(kind Shed) bool { return l.shed.Load() >= int32(kind) }
