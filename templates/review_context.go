package templates

import (
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// contextChange says what becomes of a context that exists; one that stays as it is, or is new, keeps its words.
func (row *PlanRow) contextChange(was, will *federation.TLSContext) {
	if was == nil || will == nil {
		return
	}
	in, out := without(will.PeerSubjects, was.PeerSubjects), without(was.PeerSubjects, will.PeerSubjects)
	var effect []string
	if was.MinVersion != will.MinVersion {
		effect = append(effect, "The oldest version was TLS "+was.MinVersion+" and will be TLS "+will.MinVersion+".")
	}
	if len(in) > 0 {
		effect = append(effect, "Comes in: "+strings.Join(in, ", ")+".")
	}
	if len(out) > 0 {
		effect = append(effect, "Taken out: "+strings.Join(out, ", ")+".")
	}
	if len(effect) == 0 {
		return
	}
	if stays := without(was.PeerSubjects, out); len(stays) > 0 {
		effect = append(effect, "Stays: "+strings.Join(stays, ", ")+".")
	}
	row.Verdict, row.Effect = verdictChanges, strings.Join(effect, " ")
}

// without are the names of one list that the other does not hold, in order.
func without(list, other []string) []string {
	left := slices.DeleteFunc(slices.Clone(list), func(name string) bool { return slices.Contains(other, name) })
	slices.Sort(left)
	return left
}
