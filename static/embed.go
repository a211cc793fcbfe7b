// Package static holds the files that the console serves as they are: the style sheet, the script that only adds
// comfort, and the icon. It knows no routes.
package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
)

// Files are all static files.
//
//go:embed app.css app.js icon.svg
var Files embed.FS

// Version changes whenever a file changes, so that pages can name files that browsers may keep for ever.
var Version = version()

func version() string {
	sum := sha256.New()
	for _, name := range []string{"app.css", "app.js", "icon.svg"} {
		b, _ := Files.ReadFile(name) // embedded, so it is there
		sum.Write(b)
	}
	return hex.EncodeToString(sum.Sum(nil)[:6])
}
