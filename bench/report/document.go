package report

import (
	"fmt"
	"strings"
)

// Put replaces what stands between the marks of a section in a document, which are comments:
//
//	<!-- bench: NAME -->
//	<!-- end of bench: NAME -->
func Put(document, name, content string) (string, error) {
	begin, end := "<!-- bench: "+name+" -->\n", "<!-- end of bench: "+name+" -->"
	before, rest, ok := strings.Cut(document, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", fmt.Errorf("the document has no section %q; put the lines %q and %q into it", name, strings.TrimSpace(begin), end)
	}
	return before + begin + "\n" + strings.TrimSpace(content) + "\n\n" + end + after, nil
}
