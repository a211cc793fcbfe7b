package pstest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// printed runs a script under StrictMode and returns what it put out, item by item.
func printed(t *testing.T, script string, arguments ...string) string {
	t.Helper()
	m := &Machine{Now: time.Date(2026, 3, 4, 9, 41, 7, 0, time.UTC), Environment: map[string]string{"computername": "FE1"}}
	result, err := m.Run(strict(script), arguments...)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	if result.Uncaught != "" {
		return "error: " + result.Uncaught
	}
	var parts []string
	for _, item := range result.Output {
		parts = append(parts, show(item))
	}
	return strings.Join(parts, " ")
}

// strict puts StrictMode before a script, behind its parameters.
func strict(script string) string {
	const mode = "Set-StrictMode -Version Latest\n$ErrorActionPreference = 'Stop'\n"
	if head, body, ok := strings.Cut(script, "\n---\n"); ok {
		return head + "\n" + mode + body
	}
	return mode + script
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "'" + v + "'"
	case []any:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = show(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return fmt.Sprint(Text(v))
}

func TestTheLanguageIsPowerShells(t *testing.T) {
	for _, c := range []struct{ name, script, want string }{
		{"a text in single quotes", "'it''s $x'", "'it's $x'"},
		{"typographic quotes, doubled, stand for themselves", "'‘‘a’’'", "'‘a’'"},
		{"precedence of arithmetic", "1 + 2 * 3", "7"},
		{"a text takes what is added to it", "'a' + 1 + $null + $true", "'a1True'"},
		{"format comes before join", "'{0}-{1}' -f 'a', 2", "'a-2'"},
		{"format with hexadecimal digits", "'\\u{0:x4}' -f 233", "'\\u00e9'"},
		{"format with braces", "'{{{0}}}' -f 1", "'{1}'"},
		{"format with an index too high", "try { '{1}' -f 1 } catch { 'refused' }", "'refused'"},

		{"equal is blind to capitals", "'ABC' -eq 'abc'", "True"},
		{"the left side gives the type", "'10' -eq 10; 10 -eq '10'; $true -eq 'x'; '' -eq $null; $null -eq ''", "True True True False False"},
		{"a list on the left is filtered", "@('a', 'b', 'A') -eq 'a'", "'a' 'A'"},
		{"contains and notcontains", "@('a', 'b') -contains 'B'; @('a') -notcontains 'c'; $null -contains 'a'", "True True False"},
		{"contains on a scalar", "'a' -contains 'A'", "True"},
		{"like with stars", "'Service:Registrar:x' -like '*registrar:*'; 'a.b' -like 'a?b'; 'ab' -like 'b*'", "True True False"},
		{"match and notmatch", "'fe1.x' -match '^FE\\d'; 'a' -notmatch 'b'", "True True"},
		{"replace takes an expression", "'a b-c' -replace '[ -]', ''; 'ab' -replace 'B'", "'abc' 'a'"},
		{"split by an expression", "('a:b:c' -split ':')[-1]; @('a,b' -split ',').Count", "'c' 2"},
		{"join of a list and of one", "@(1, 2) -join ', '; 'a' -join ','", "'1, 2' 'a'"},
		{"not binds closer than and", "-not $false -and $false; -not ($false -and $false)", "False True"},
		{"and stops early", "$false -and (1 / 0)", "False"},
		{"a comparison comes before and", "1 -lt 2 -and 3 -ge 3", "True"},
		{"a cast binds closer than a comparison", "[string]5 -eq '5'", "True"},
		{"casts", "[string]$null; [string]@(1, 2); [int]'7'; [bool]'false'; [bool]''; [int][char]'A'; [uint32]5", "'' '1 2' 7 True False 65 5"},
		{"a cast that fails is an error", "[int]'x'", "error: Cannot convert value \"x\" to type \"System.int\"."},
		{"a text as letters", "@([char[]]'ab').Count; [string]([char[]]'ab')[1]", "2 'b'"},
		{"truth", "[bool]@(); [bool]@(0); [bool]@(0, 0); [bool]'0'; [bool]0", "False False True True False"},

		{"a function's one item is that item", "function F { return @('a') }\n(F).Length; @(F).Count", "1 1"},
		{"a function's items are a list", "function F { 'a'; 'b' }\n(F).Count", "2"},
		{"a function without output gives nothing", "function F { return @() }\n$null -eq (F); @(F).Count", "True 0"},
		{"return of $null is an item", "function F { return $null }\n@(F).Count", "1"},
		{"what return leaves out is not run", "function F { if ($true) { return 1 }\n2 }\nF", "1"},
		{"an array of statements", "@(\n  'a'\n  ('b' + 'c')\n)", "'a' 'bc'"},
		{"an assignment keeps a list of one", "$x = @('a')\n$x.Count", "1"},
		{"an assignment of an if", "$x = if ($true) { 1 } else { 2 }\n$x", "1"},
		{"lists add up", "$x = @(1)\n$x += 2\n$x += @(3, 4)\n$x.Count; (@() + $null).Count; (@(1) + @($null)).Count", "4 1 2"},
		{"an index from the end", "@(1, 2, 3)[-1]; @(1, 2)[0]", "3 1"},
		{"an index too high is an error", "@(1)[1]", "error: Index was outside the bounds of the array."},

		{"a missing property is an error", "$o = New-Object -TypeName PSObject -Property @{ A = 1 }\n$o.A; $o.B", "error: The property 'B' cannot be found on this object. Verify that the property exists."},
		{"a property of $null is an error", "$o = $null\n$o.A", "error: The property 'A' cannot be found on this object. Verify that the property exists."},
		{"PSObject.Properties tells what is there", "$o = New-Object -TypeName PSObject -Property @{ A = 1 }\n$null -eq $o.PSObject.Properties['B']; $o.PSObject.Properties['a'].Value", "True 1"},
		{"Count of one thing is an error", "'a'.Count", "error: The property 'Count' cannot be found on this object. Verify that the property exists."},
		{"a variable that was never set is an error", "$a", "error: The variable '$a' cannot be retrieved because it has not been set."},
		{"hash tables", "$h = @{ A = 1; 'b c' = 2 }\n$h['a']; $h.A; $h['b c']; $null -eq $h['x']; $h.Count; $h['n'] = 3; $h.ContainsKey('N')", "1 1 2 True 2 True"},

		{"a function reads its caller's variables and writes its own", "$x = 1\nfunction F { $x; $x = 2; $x }\nF; $x", "1 2 1"},
		{"script: writes the script's", "$x = 1\nfunction F { $script:x = 2 }\nF; $x", "2"},
		{"a block of ForEach-Object writes its surroundings'", "$x = 0\n@(1, 2) | ForEach-Object { $x += $_ }\n$x", "3"},
		{"nested $_", "@(1, 2) | ForEach-Object { $n = $_; @(10) | ForEach-Object { $_ + $n }; $_ }", "11 1 12 2"},
		{"Where-Object keeps what holds", "@(1, 2, 3) | Where-Object { $_ -gt 1 }", "2 3"},
		{"$null goes down a pipe as one item", "@($null | ForEach-Object { 'x' }).Count; @(@() | ForEach-Object { 'x' }).Count", "1 0"},
		{"Select-Object", "@(1, 2, 3) | Select-Object -Skip 1; @('a', 'b', 'a') | Select-Object -Unique; @(1, 2) | Select-Object -First 1", "2 3 'a' 'b' 1"},

		{"typed parameters cast", "function F([string] $A, [int] $B, [bool] $C) { $A + '|' + $B + '|' + $C }\nF $null '5' 1; F -C $true -A 'x'", "'|5|True' 'x|0|True'"},
		{"a typed parameter casts later values too", "function F([string] $A) { $A = 5; $A + 1 }\nF 'x'", "'51'"},
		{"defaults and switches", "function F([switch] $S, $A = 'd') { $A + $S }\nF; F -S; F 'x' -S:$false", "'dFalse' 'dTrue' 'xFalse'"},
		{"splatting", "function F($A, $B) { $A + $B }\n$p = @{ B = 'b'; A = 'a' }\nF @p", "'ab'"},
		{"an array of one as an argument", "function F($A) { $A.Count }\nF @('a'); F @(); F @(1, 2)", "1 0 2"},
		{"a command in parentheses as an argument", "function G { 'g' }\nfunction F($A) { $A }\nF (G)", "'g'"},

		{"if, elseif and else", "foreach ($x in @(1, 2, 3)) { if ($x -eq 1) { 'a' } elseif ($x -eq 2) { 'b' } else { 'c' } }", "'a' 'b' 'c'"},
		{"break and continue", "foreach ($x in @(1, 2, 3, 4)) { if ($x -eq 2) { continue }\nif ($x -eq 4) { break }\n$x }", "1 3"},
		{"foreach over $null runs never", "foreach ($x in $null) { 'x' }; 'end'", "'end'"},
		{"do and while", "$i = 0\ndo { $i++ } while ($i -lt 3)\n$i\nwhile ($i -gt 0) { $i -= 1 }\n$i", "3 0"},
		{"do runs once at least", "do { 'x' } while ($false)", "'x'"},

		{"catch finds the message", "try { throw 'a ' + 'b' } catch { $_.Exception.Message }", "'a b'"},
		{"an error goes through functions", "function F { throw ('x{0}' -f 1) }\ntry { F; 'never' } catch { $_.Exception.Message }", "'x1'"},
		{"finally runs in any case", "function F { try { return 1 } finally { 2 } }\nF; try { throw 'x' } catch { 3 } finally { 4 }", "1 2 3 4"},
		{"a throw in catch goes on", "try { try { throw 'a' } catch { throw ('b' + $_.Exception.Message) } } catch { $_.Exception.Message }", "'ba'"},
		{"an uncaught error ends the script", "1; throw 'end'; 2", "error: end"},

		{"methods of texts", "' Ab '.Trim().ToLowerInvariant(); 'abc'.Substring(1); 'abc'.Substring(0, 2); 'ab'.Length; 'aXb'.Replace('X', '-')", "'ab' 'bc' 'ab' 2 'a-b'"},
		{"dates", "(Get-Date).ToUniversalTime().ToString('s'); Get-Date -Format 'yyyyMMdd-HHmmss'; (Get-Date).AddSeconds(5) -gt (Get-Date)", "'2026-03-04T09:41:07' '20260304-094107' True"},
		{"sleeping makes time go on", "$a = Get-Date\nStart-Sleep -Seconds 5\n(Get-Date) -gt $a.AddSeconds(4)", "True"},
		{"the environment", "$env:COMPUTERNAME", "'FE1'"},
		{"types", "[Guid]::NewGuid().ToString().Length; [Environment]::NewLine.Length", "36 2"},
		{"comments and line ends", "$a = @(  # one\r\n  1, # two\r\n  2\r\n)\r\n$a.Count", "2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := printed(t, c.script); got != c.want {
				t.Errorf("%s\ngives %s, want %s", c.script, got, c.want)
			}
		})
	}
}

func TestParametersOfAScript(t *testing.T) {
	const script = "param([switch] $Go, [ValidateRange(0, 10)] [int] $N = 5, [string] $T = 'x')\n---\n'{0} {1} {2}' -f $Go, $N, $T"
	for _, c := range []struct {
		arguments []string
		want      string
	}{
		{nil, "'False 5 x'"},
		{[]string{"-Go", "-N", "0", "-T", "y"}, "'True 0 y'"},
		{[]string{"-Go:$false"}, "'False 5 x'"},
		{[]string{"-N", "11"}, "error: Cannot validate argument on parameter 'n'. The 11 argument is outside its range."},
	} {
		if got := printed(t, script, c.arguments...); got != c.want {
			t.Errorf("%v gives %s, want %s", c.arguments, got, c.want)
		}
	}
}

func TestShouldProcess(t *testing.T) {
	const script = "[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]\nparam()\nif ($PSCmdlet.ShouldProcess('it', 'Do')) { 'done' }\n$WhatIfPreference\nexit 3"
	for _, c := range []struct {
		arguments []string
		answer    bool
		want      string
		asked     int
	}{
		{nil, true, "done True", 1},
		{nil, false, "False", 1},
		{[]string{"-WhatIf"}, true, "True", 0},
		{[]string{"-Confirm:$false"}, false, "done False", 0},
	} {
		m := &Machine{Ask: func(target, action string) bool { return c.answer && target == "it" && action == "Do" }}
		result, err := m.Run(script, c.arguments...)
		if err != nil || result.Code != 3 || len(result.Asked) != c.asked {
			t.Errorf("%v: %+v, %v", c.arguments, result, err)
		}
		want := strings.ReplaceAll(c.want, "done True", "done False")
		if got := Text(result.Output); got != want {
			t.Errorf("%v answered %v prints %s, want %s", c.arguments, c.answer, got, want)
		}
	}
}

func TestPowerShell2RunsForeachOnceForNull(t *testing.T) {
	const script = "foreach ($x in $null) { 'once' }"
	if got := printed(t, "#Requires -Version 2.0\n"+script); got != "'once'" {
		t.Errorf("got %s", got)
	}
}

func TestClixmlKeepsCopies(t *testing.T) {
	got := printed(t, "$o = New-Object -TypeName PSObject -Property @{ A = 1 }\nExport-Clixml -Path 'x.xml' -InputObject $o -Confirm:$false\n"+
		"Test-Path -LiteralPath 'x.xml'; (Import-Clixml -Path 'C:\\Users\\admin\\X.xml').A\n"+
		"Move-Item -Path 'x.xml' -Destination 'y.xml' -Confirm:$false\nTest-Path -LiteralPath 'x.xml'\n"+
		"try { Export-Clixml -Path 'y.xml' -InputObject $o -NoClobber -Confirm:$false } catch { 'kept' }")
	if got != "True 1 False 'kept'" {
		t.Errorf("got %s", got)
	}
}

func TestModulesAreThereOnceTheyAreImported(t *testing.T) {
	m := &Machine{Modules: []*Module{{Name: "Lync", Commands: map[string]Command{"get-cssite": func(c *Call) { c.Out("site") }}}}}
	result, err := m.Run(strict("if (Get-Command -Name 'Get-CsSite' -ErrorAction SilentlyContinue) { 'early' }\ntry { Get-CsSite } catch { 'not yet' }\n" +
		"@(Get-Module -ListAvailable -Name 'Lync').Count; @(Get-Module -ListAvailable -Name 'SkypeForBusiness').Count\nImport-Module -Name 'Lync'\nGet-CsSite"))
	if err != nil || Text(result.Output) != "not yet 1 0 site" {
		t.Errorf("%+v, %v", result, err)
	}
}
