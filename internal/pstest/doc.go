// Package pstest is what tests of PowerShell scripts need where no PowerShell is: the language's grammar, an interpreter
// of the part of the language that our scripts use, and a model of the Microsoft side that they change. It is strict: what
// it does not know fails with the line and its text, and never passes silently. It knows nothing of our own packages, and
// no product code imports it.
package pstest
