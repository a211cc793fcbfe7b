package pstest

import (
	_ "embed"
	"regexp"
	"slices"
	"strings"
)

// Parameter sets, one a line, of Skype for Business and Lync as Microsoft's reference documents them, and of Windows
// PowerShell's own cmdlets as far as our scripts call them. A name is followed by ! when it is mandatory, by @ when it
// can be given by its place alone, by ? when it is a switch, and by :type when it takes that type only.
//
//go:embed cmdlets/skype.txt
var skypeCmdlets string

//go:embed cmdlets/windows.txt
var windowsCmdlets string

// A field is one parameter of a cmdlet.
type field struct {
	name                            string
	mandatory, positional, isSwitch bool
	kind                            typeName
}

// A signature is a cmdlet with its parameter sets.
type signature struct {
	name string
	sets [][]field
}

var signatures = readSignatures(skypeCmdlets + windowsCmdlets)

var fieldForm = regexp.MustCompile(`^(\w+)([!@?]*)(?::(\S+))?$`)

func readSignatures(text string) map[string]signature {
	all := map[string]signature{}
	for line := range strings.Lines(text) {
		name, list, ok := strings.Cut(strings.TrimSpace(line), ":")
		if !ok {
			continue
		}
		set := []field{}
		for _, word := range strings.Fields(list) {
			m := fieldForm.FindStringSubmatch(word)
			set = append(set, field{m[1], strings.Contains(m[2], "!"), strings.Contains(m[2], "@"), strings.Contains(m[2], "?"), typeName(m[3])})
		}
		known := all[strings.ToLower(name)]
		all[strings.ToLower(name)] = signature{name, append(known.sets, set)}
	}
	return all
}

// find is a parameter of any set; abbreviations, which PowerShell takes, are not.
func (s signature) find(name string) (field, bool) {
	for _, set := range s.sets {
		if i := indexOf(set, name); i >= 0 {
			return set[i], true
		}
	}
	return field{}, false
}

func indexOf(set []field, name string) int {
	return slices.IndexFunc(set, func(f field) bool { return strings.EqualFold(f.name, name) })
}

// bind gives each argument its parameter's name. The second result is why no parameter set takes the arguments.
func (s signature) bind(given map[string]any, places []any) (map[string]any, string) {
	reason := "no parameter set takes these parameters together"
	for _, set := range s.sets {
		bound, why := bindSet(set, given, places)
		if why == "" {
			return bound, ""
		}
		if len(s.sets) == 1 {
			reason = why
		}
	}
	return nil, reason
}

func bindSet(set []field, given map[string]any, places []any) (map[string]any, string) {
	bound := map[string]any{}
	for name, value := range given {
		if indexOf(set, name) < 0 {
			return nil, "mixed parameter sets at " + name
		}
		bound[name] = value
	}
	for _, f := range set {
		key := strings.ToLower(f.name)
		if _, has := bound[key]; !has && f.positional && len(places) > 0 {
			bound[key], places = places[0], places[1:]
		}
		if _, has := bound[key]; f.mandatory && !has {
			return nil, "the mandatory parameter " + f.name + " is missing"
		}
	}
	if len(places) > 0 {
		return nil, "an argument too many"
	}
	return bound, ""
}
