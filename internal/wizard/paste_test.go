package wizard

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

const pastedPool = `
PS C:\Users\admin> Get-CsPool -Identity pool.synergy.com

Identity       : pool.synergy.com
Services       : {UserServer:pool.synergy.com, Registrar:pool.synergy.com,
                 ConferencingServer:pool.synergy.com, WebServer:pool.synergy.com...}
Computers      : {fe1.synergy.com, fe2.synergy.com,
                 fe3.synergy.com}
Fqdn           : pool.synergy.com
BackupPoolFqdn :
Site           : Site:Redmond

PS C:\Users\admin>
`

const pastedSites = `
Identity    : Site:Redmond
Services    : {UserServer:pool.synergy.com, Registrar:pool.synergy.com...}
Pools       : {pool.synergy.com, sql.synergy.com}
DisplayName : Redmond
SiteId      : 1

Identity    : Site:San Jose
Services    : {}
Pools       : {sj.synergy.com}
DisplayName : San Jose
SiteId      : West 2
`

var anyPasted = cmp.Options{cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(PastedPool{})}

func redmond() PastedPool {
	return PastedPool{FQDN: "pool.synergy.com", Computers: []string{"fe1.synergy.com", "fe2.synergy.com", "fe3.synergy.com"}, Site: "Site:Redmond", Registrar: true}
}

func TestPasteIsUnderstood(t *testing.T) {
	sites := []PastedSite{{"Site:Redmond", "1", "Redmond", []string{"pool.synergy.com", "sql.synergy.com"}}, {"Site:San Jose", "West 2", "San Jose", []string{"sj.synergy.com"}}}
	for _, c := range []struct {
		name, text string
		want       Pasted
	}{
		{"a pool with its prompt", pastedPool, Pasted{Pools: []PastedPool{redmond()}}},
		{"a pool with a byte order mark and CRLF", "\ufeff" + strings.ReplaceAll(pastedPool, "\n", "\r\n"), Pasted{Pools: []PastedPool{redmond()}}},
		{"a pool whose line breaks were doubled by a terminal", strings.ReplaceAll(pastedPool, "\n", "\r\r\n"), Pasted{Pools: []PastedPool{redmond()}}},
		{"a pool that lost its indentation", regexp.MustCompile(`\n +`).ReplaceAllString(pastedPool, "\n"), Pasted{Pools: []PastedPool{redmond()}}},
		{"a pool that gained indentation", strings.ReplaceAll(pastedPool, "\n", "\n    "), Pasted{Pools: []PastedPool{redmond()}}},
		{"a table that gained indentation", "    Name          IsDefault\n    ----          ---------\n    synergy.com   True", Pasted{Domains: []string{"synergy.com"}}},
		{"a table below other words", "Our domains are\n\nName          IsDefault\n----          ---------\nsynergy.com   True\n\nand no others.", Pasted{Domains: []string{"synergy.com"}}},
		{"a list of two prompts", ">> | Format-List\nName : synergy.com\nIsDefault : True\n[PS] C:\\>Get-CsSite\nIdentity : Site:Redmond\nSiteId : 1\n  PS C:\\> exit",
			Pasted{Domains: []string{"synergy.com"}, Sites: []PastedSite{{Identity: "Site:Redmond", ID: "1"}}}},
		{"a list and a table without a line between them", "Name : synergy.com\nIsDefault : True\nIdentity     SiteId\n--------     ------\nSite:Redmond 1\nPS C:\\>",
			Pasted{Domains: []string{"synergy.com"}, Sites: []PastedSite{{Identity: "Site:Redmond", ID: "1"}}}},
		{"a description with colons and dashes", "Identity : Site:Redmond\nDescription2 : see the plan\n               SiteId : 9 is old\n               --\nwho : Ann\n: x\nSite-Id : 8\nSité : 7\nSiteId : 1\nstray words",
			Pasted{Sites: []PastedSite{{Identity: "Site:Redmond", ID: "1"}}}},
		{"sites", pastedSites, Pasted{Sites: sites}},
		{"pool and sites in one paste", pastedPool + pastedSites, Pasted{Pools: []PastedPool{redmond()}, Sites: sites}},
		{"two objects without a line between them", "Name : synergy.com\nIsDefault : True\nName : synergy.co.uk\nIsDefault : False", Pasted{Domains: []string{"synergy.com", "synergy.co.uk"}}},
		{"SIP domains as a list", "Identity  : Synergy.com\nName      : Synergy.com\nIsDefault : True\n\n\nIdentity  : bücher.example\nName      : bücher.example\nIsDefault : False",
			Pasted{Domains: []string{"synergy.com", "xn--bcher-kva.example"}}},
		{"SIP domains as a table", `
Identity      Name          IsDefault
--------      ----          ---------
synergy.com   synergy.com        True
synergy.co.uk synergy.co.uk     False

`, Pasted{Domains: []string{"synergy.com", "synergy.co.uk"}}},
		{"sites as a table with numbers to the right", `
Identity      DisplayName SiteId
--------      ----------- ------
Site:Redmond  Redmond          1
Site:San Jose San Jose  12345678
`, Pasted{Sites: []PastedSite{{"Site:Redmond", "1", "Redmond", nil}, {"Site:San Jose", "12345678", "San Jose", nil}}}},
		{"pools as a wrapped table", `
Identity         Computers         Site
--------         ---------         ----
pool.synergy.com {fe1.synergy.com, Site:Redmond
                 fe2.synergy.com,
                 fe3.synergy.com}
one.synergy.com  {one.synergy.com} Site:Redmond
PS C:\> Get-CsPool`, Pasted{Pools: []PastedPool{
			{FQDN: "pool.synergy.com", Computers: redmond().Computers, Site: "Site:Redmond"},
			{FQDN: "one.synergy.com", Computers: []string{"one.synergy.com"}, Site: "Site:Redmond"}}}},
		{"registrars among other services", `
Identity  : Registrar:pool.synergy.com
ServiceId : 1-UserServices-1
SiteId    : Site:Redmond
PoolFqdn  : pool.synergy.com
Version   : 6
Role      : Registrar

Identity  : WebServer:web.synergy.com
SiteId    : Site:Redmond
PoolFqdn  : web.synergy.com
Role      : WebServer`, Pasted{Registrars: []string{"pool.synergy.com"}}},
		{"computers of a pool", "Identity : fe1.synergy.com\nPool : pool.synergy.com\nFqdn : fe1.synergy.com\n\nIdentity : fe2.synergy.com\nPool : pool.synergy.com\nFqdn : fe2.synergy.com",
			Pasted{Pools: []PastedPool{{FQDN: "pool.synergy.com", Computers: []string{"fe1.synergy.com", "fe2.synergy.com"}}}}},
		{"computers that the pool was cut short of", "Identity : pool.synergy.com\nComputers : {fe1.synergy.com...}\n\n" +
			"Pool : pool.synergy.com\nFqdn : fe1.synergy.com\n\nPool : pool.synergy.com\nFqdn : fe2.synergy.com",
			Pasted{Pools: []PastedPool{{FQDN: "pool.synergy.com", Computers: []string{"fe1.synergy.com", "fe2.synergy.com"}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ReadPaste(c.text)
			if diff := cmp.Diff(c.want, got, anyPasted); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestPasteThatIsRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"nothing", " \r\n", "Paste what"},
		{"a letter", "Dear all,\nthe pool : is down.\n", "None of this was printed by"},
		{"a command without its output", `PS C:\> Get-CsPool`, "None of this was printed by"},
		{"something of another cmdlet", "Name        : RTCSRV\nStatus : Running", "None of this was printed by"},
		{"a shell without the cmdlets", "Get-CsPool : The term 'Get-CsPool' is not recognized as the name of a cmdlet", "Management Shell"},
		{"far too much", strings.Repeat("#", maxPaste+1), "larger than 256 KiB"},
		{"a name cut short", "Identity         Computers\n--------         ---------\npool.synergy....  {fe1.syn...", "cut short"},
		{"a name cut short by one character", "Identity    : site:Redmond\nSiteId : Redm…", "$FormatEnumerationLimit = -1"},
	} {
		got, err := ReadPaste(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasSuffix(err.Error(), ".") {
			t.Errorf("%s is read as %+v, %v; want a sentence with %q", c.name, got, err, c.want)
		}
	}
}

func TestAnyPasteIsReadQuickly(t *testing.T) {
	var many strings.Builder
	for i := range maxPaste / 16 {
		fmt.Fprintf(&many, "f%d.synergy.com,", i)
	}
	for name, text := range map[string]string{
		"a list without end":      "Identity : a.b\nComputers : {" + many.String()[:maxPaste-100],
		"lines without end":       "Identity : a.b\nComputers : {" + strings.Repeat("\n x", maxPaste/3-100),
		"columns without end":     strings.Repeat("a ", maxPaste/8) + "\n--" + strings.Repeat(" -", maxPaste/8) + strings.Repeat("\nx", maxPaste/8),
		"objects without end":     strings.Repeat("Services :\nFqdn : a\n", maxPaste/21),
		"computers without end":   strings.Repeat("Pool : a\nFqdn : b\n", maxPaste/19),
		"rules upon rules":        strings.Repeat("--\n", maxPaste/3),
		"a cell that never ends":  "Pool Fqdn\n---- ----\n" + strings.Repeat("x", maxPaste-30),
		"prompts without command": strings.Repeat("PS >\n", maxPaste/5),
	} {
		start := time.Now()
		p, err := ReadPaste(text)
		if err == nil {
			a := enterprise()
			_, err = p.Fill(&a)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%s: read in %s (%v)", name, took, err)
		}
	}
}

// printedAsList prints objects as Format-List does, in a console of that width.
func printedAsList(width int, objects [][][2]string) string {
	var b strings.Builder
	for _, fields := range objects {
		column := 0
		for _, f := range fields {
			column = max(column, len(f[0]))
		}
		for _, f := range fields {
			line := f[0] + strings.Repeat(" ", column-len(f[0])) + " :"
			for _, word := range strings.Fields(f[1]) {
				for len(line)+1+len(word) > width && len(strings.TrimSpace(line)) > 0 {
					b.WriteString(line + "\r\n")
					line = strings.Repeat(" ", column+2)
				}
				line += " " + word
			}
			b.WriteString(line + "\r\n")
		}
		b.WriteString("\r\n")
	}
	return b.String()
}

func TestPasteIsReadWhateverTheWidthOfTheConsole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z]([a-z0-9-]{0,20}[a-z0-9])?\.synergy\.com`)
		var want Pasted
		var objects [][][2]string
		for _, fqdn := range rapid.SliceOfNDistinct(name, 1, 4, rapid.ID).Draw(t, "pools") {
			p := PastedPool{FQDN: fqdn, Computers: rapid.SliceOfDistinct(name, rapid.ID).Draw(t, "computers"), Site: "Site:Redmond 1", Registrar: true}
			want.Pools = append(want.Pools, p)
			objects = append(objects, [][2]string{{"Identity", fqdn}, {"Services", "{WebServer:" + fqdn + ", Registrar:" + fqdn + "}"},
				{"Computers", "{" + strings.Join(p.Computers, ", ") + "}"}, {"Fqdn", fqdn}, {"BackupPoolFqdn", ""}, {"Site", p.Site}})
		}
		text := printedAsList(rapid.IntRange(60, 200).Draw(t, "width"), objects)
		got, err := ReadPaste(text)
		if diff := cmp.Diff(want, got, anyPasted); diff != "" || err != nil {
			t.Fatalf("%v (-want +got):\n%s\n%s", err, diff, text)
		}
	})
}

func FuzzReadPaste(f *testing.F) {
	f.Add(pastedPool + pastedSites)
	f.Add("Name IsDefault\n---- ---------\nx       True\n  y")
	f.Add("Identity : a\n {\nComputers : {x")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ReadPaste(text)
		if err != nil {
			return
		}
		a := enterprise()
		if took, err := p.Fill(&a); err == nil {
			for _, sentence := range took {
				if strings.ContainsFunc(sentence, unprintable) {
					t.Errorf("%q holds what no sentence can hold", sentence)
				}
			}
		}
	})
}
