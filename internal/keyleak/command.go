package keyleak

import (
	"os"
	"path/filepath"
	"slices"
)

// maxGiven is the largest file among a command's arguments that is read; what Isthmus imports is no larger.
const maxGiven = 1 << 20

// Given makes the keys known that a command is given, on standard input or in a file.
func (g *Guard) Given(input string, args []string) {
	g.Learn([]byte(input))
	for _, name := range args {
		if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() && info.Size() <= maxGiven {
			text, _ := os.ReadFile(name) // one that cannot be read holds nothing to leak
			g.Learn(text)
		}
	}
}

// LookAtFiles looks at what a command wrote into the directory of its --out. in names the test.
func (g *Guard) LookAtFiles(t Reporter, in string, args []string) {
	at := slices.Index(args, "--out")
	if at < 0 || at+1 == len(args) || args[at+1] == "" {
		return
	}
	names, _ := filepath.Glob(filepath.Join(args[at+1], "*")) // the pattern is well formed
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil { // a directory holds nothing itself
			g.Look(t, name+" in "+in, text)
		}
	}
}
