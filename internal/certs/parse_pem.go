package certs

import (
	"bytes"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"unicode/utf16"
)

var (
	utf8Mark     = []byte("\xef\xbb\xbf")
	utf16Little  = []byte("\xff\xfe")
	utf16Big     = []byte("\xfe\xff")
	beginsOrEnds = [][]byte{[]byte("--BEGIN "), []byte("--END ")}
)

// pemBlocks are the blocks of a file in PEM form, none when it is in another. encoding/pem passes over a block that it
// cannot read, so that half a chain would be taken for the whole one: here the lines between which blocks stand are
// counted, and one that belongs to no whole block is a problem.
func pemBlocks(file []byte) (blocks []*pem.Block, problem string) {
	rest := plainText(file)
	for line := 1; ; {
		block, after := pem.Decode(rest)
		if block == nil {
			after = nil
		}
		read := rest[:len(rest)-len(after)]
		if damagedAt, damaged := unpaired(read, block != nil); damaged {
			return nil, fmt.Sprintf("The PEM block in line %d of this file is damaged or cut off, so nothing of the file was taken; export it again.", line+damagedAt)
		}
		if block == nil {
			return blocks, ""
		}
		blocks, rest, line = append(blocks, block), after, line+bytes.Count(read, []byte("\n"))
	}
}

// unpaired reports whether a text with one whole block, or with none, has other lines that begin or end one, and after
// how many lines the first stands.
func unpaired(text []byte, block bool) (line int, found bool) {
	wanted, first := 0, len(text)
	if block {
		wanted = 1
	}
	for _, marker := range beginsOrEnds {
		found = found || bytes.Count(text, marker) != wanted
		if i := bytes.Index(text, marker); i >= 0 {
			first = min(first, i)
		}
	}
	return bytes.Count(text[:first], []byte("\n")), found
}

// plainText is a text in UTF-8 without byte order marks. Windows' tools write UTF-16, and a mark at the head of every file,
// which then stands in the middle when files are joined. Anything else comes back as it is.
func plainText(file []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case bytes.HasPrefix(file, utf16Big):
		order = binary.BigEndian
	case !bytes.HasPrefix(file, utf16Little):
		if bytes.Contains(file, beginsOrEnds[0]) { // in DER these octets may mean something
			return bytes.ReplaceAll(file, utf8Mark, nil)
		}
		return file
	}
	units := make([]uint16, len(file)/2)
	for i := range units {
		units[i] = order.Uint16(file[2*i:])
	}
	return bytes.ReplaceAll([]byte(string(utf16.Decode(units))), utf8Mark, nil)
}
