package htmltest

import (
	"strings"
	"testing"
)

const page = `<!doctype html><main id="main"><h1>Static <b>routes</b>.</h1>
<table class="list wide"><tbody><tr><th>one</th><td data-label="Next hop">a</td></tr><tr><th>two</th><td>b</td></tr></tbody></table>
<form><input name="pattern" value="10.1.1.1"><input type="checkbox" name="on" value="true" checked>
<input type="checkbox" name="off" value="true"><select name="kind"><option value="x"><option value="y" selected></select></form>
<script>not text</script></main>`

func TestSelectorsFindWhatTheySay(t *testing.T) {
	root := Parse(t, strings.NewReader(page))
	for selector, want := range map[string]int{
		"tr": 2, "table tbody tr": 2, "table.list": 1, "table.list.wide": 1, "table.none": 0, "#main table": 1,
		"h1#main": 0, "[data-label=Next hop]": 1, "td[data-label]": 1, "main td": 2, "input[name=on][checked]": 1,
	} {
		if got := len(root.All(selector)); got != want {
			t.Errorf("%q finds %d, want %d", selector, got, want)
		}
	}
}

func TestTextIsWhatAReaderReads(t *testing.T) {
	root := Parse(t, strings.NewReader(page))
	if got := root.One(t, "h1").Text(); got != "Static routes." {
		t.Errorf("got %q", got)
	}
	if got := root.Text(); strings.Contains(got, "not text") {
		t.Errorf("a script is no text: %q", got)
	}
}

func TestFormIsWhatABrowserSends(t *testing.T) {
	got := Parse(t, strings.NewReader(page)).One(t, "form").Form().Encode()
	if want := "kind=y&on=true&pattern=10.1.1.1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
