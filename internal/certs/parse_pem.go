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
	beginLittle  = []byte("-\x00-\x00B\x00E\x00G\x00I\x00N\x00 \x00")
	beginBig     = []byte("\x00-\x00-\x00B\x00E\x00G\x00I\x00N\x00 ")
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

// plainText is a text in UTF-8 without byte order marks, with lines that begin at the left and end with LF. Windows' tools
// write UTF-16, with a mark or without, and a mark at the head of every file, which then stands in the middle when files
// are joined; other hands move a text to the right.
func plainText(file []byte) []byte {
	if order := utf16Order(file); order != nil {
		units := make([]uint16, len(file)/2)
		for i := range units {
			units[i] = order.Uint16(file[2*i:])
		}
		file = []byte(string(utf16.Decode(units)))
	}
	text := bytes.ReplaceAll(bytes.ReplaceAll(file, utf8Mark, nil), []byte("\r\n"), []byte("\n"))
	lines := bytes.Split(bytes.ReplaceAll(text, []byte("\r"), []byte("\n")), []byte("\n"))
	for i, line := range lines {
		lines[i] = bytes.TrimLeft(line, " \t")
	}
	return bytes.Join(lines, []byte("\n"))
}

// utf16Order is how a file in UTF-16 puts its octets, nil for any other: its mark says so, else the first line of a block.
func utf16Order(file []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(file, utf16Little), standsEven(file, beginLittle):
		return binary.LittleEndian
	case bytes.HasPrefix(file, utf16Big), standsEven(file, beginBig):
		return binary.BigEndian
	}
	return nil
}

// standsEven reports whether octets are found where a unit of UTF-16 begins: in the other order they stand one beside it.
func standsEven(file, octets []byte) bool {
	i := bytes.Index(file, octets)
	return i >= 0 && i%2 == 0
}
