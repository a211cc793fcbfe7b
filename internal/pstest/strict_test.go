package pstest

import "testing"

func TestWhatIsUnknownFails(t *testing.T) {
	for name, script := range map[string]string{
		"a cmdlet that nobody knows":                  "Get-Unknown",
		"a parameter that the cmdlet has not":         "Write-Host -Colour Red",
		"an abbreviated parameter":                    "Write-Host -Obj 'x'",
		"an argument too many for a cmdlet":           "Write-Warning 'a' 'b'",
		"a mandatory parameter that is missing":       "Join-Path -Path 'a'",
		"an argument too many for a function":         "function F($A) { $A }\nF 1 2",
		"a parameter that a function has not":         "function F($A) { $A }\nF -B 1",
		"a parameter without its value":               "function F($A) { $A }\nF -A",
		"a property of a list's items":                "@('a').Foo",
		"a method that is not known":                  "'a'.Foo()",
		"a type that is not known":                    "[Foo]::Bar()",
		"a cast that is not known":                    "[xml]'<a/>'",
		"double quotes":                               "\"a\"",
		"an argument that sticks to the one before":   "Write-Host 'a'+'b'",
		"an argument that sticks to the command":      "function F($A) { $A }\nF('a')",
		"a cast as an argument":                       "Write-Host [string]5",
		"an argument without quotes, with a variable": "$b = 1\nWrite-Host a$b",
		"a method called in an argument":              "Write-Host 'a'.Trim()",
		"a change of an automatic variable":           "$host = 1",
		"a parameter with an automatic name":          "function F($Input) { 1 }\nF 1",
		"a call by &":                                 "& { 1 }",
		"an operator that is not known":               "1 -band 2",
		"a case-sensitive comparison":                 "'a' -ceq 'A'",
		"a switch statement":                          "switch (1) { 1 { 2 } }",
		"a trap":                                      "trap { 1 }",
		"a loop without end":                          "while ($true) { }",
		"a variable of another scope":                 "$global:x = 1",
		"an assignment to several":                    "$a, $b = 1, 2",
		"a splat of what is no hash table":            "$a = 1\nWrite-Host @a",
		"a pipe into a function":                      "function F { 1 }\n1 | F",
		"a cmdlet's change without -Confirm":          "New-Item -ItemType File -Path 'x'",
		"an error that the script would go over":      "$ErrorActionPreference = 'Continue'\nImport-Module -Name Foo",
		"a table of a property that is not there":     "New-Object -TypeName PSObject -Property @{ A = 1 } | Format-Table -Property @('B')",
		"StrictMode 2":                                "Set-StrictMode -Version 2.0",
	} {
		result, err := (&Machine{}).Run(strict(script))
		if err == nil {
			t.Errorf("%s passes: %+v", name, result)
		}
	}
}
