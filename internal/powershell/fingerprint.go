package powershell

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime/debug"
	"strings"
)

// product is the program and its version, for the heads of the scripts.
var product = program()

func program() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return "Isthmus " + info.Main.Version
	}
	return "Isthmus"
}

// fingerprint is a hash of the scripts as they are without a head. The texts to read beside them do not count: no
// script that lies on a front end is wrong because the checklist has a new sentence.
func fingerprint(v values) string {
	v.head = head{}
	if v.check() != nil {
		return ""
	}
	hash := sha256.New()
	for _, step := range stepsOf(v) {
		if !strings.HasSuffix(step.File, ".ps1") {
			continue
		}
		text, err := render(step.File, v)
		if err != nil {
			return ""
		}
		fmt.Fprintf(hash, "%s %d\n%s", step.File, len(text), text)
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
