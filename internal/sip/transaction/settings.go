package transaction

const pieceRoom = 256 // settings in a piece

// settings are a list that grows and shrinks by pieces: one in a single piece of memory would leave copies of itself behind as
// it grows, of which a hundred thousand open transactions make tens of megabytes.
type settings struct {
	pieces []*[pieceRoom]setting
	count  int
}

// at returns the setting at a place, of which 1 is the first.
func (l *settings) at(place int) *setting {
	i := uint(place - 1)
	return &l.pieces[i/pieceRoom][i%pieceRoom]
}

// grow makes one more place and returns it.
func (l *settings) grow() (place int) {
	if l.count == len(l.pieces)*pieceRoom {
		l.pieces = append(l.pieces, new([pieceRoom]setting))
	}
	l.count++
	return l.count
}

// shrink takes the last setting off. A piece is given back when another one is empty already, so that it is not soon needed again.
func (l *settings) shrink() (last setting) {
	at := l.at(l.count)
	last, *at = *at, setting{}
	l.count--
	if end := len(l.pieces) - 1; end > 1 && l.count == (end-1)*pieceRoom {
		l.pieces[end] = nil
		l.pieces = l.pieces[:end]
	}
	return last
}
