package wizard

import (
	"slices"
	"strings"

	"isthmus/internal/federation"
)

// A Step is one screen of the wizard (guide p.66).
type Step struct {
	Number int // from 1
	Title  string
	Fields []string // names of the answers that it asks for; none for review and scripts
}

// Numbers of the two steps that ask nothing.
const (
	StepReview  = 6
	StepScripts = 7
)

// Steps are the wizard's screens in their order.
func Steps() []Step {
	return []Step{
		{1, "Platform", []string{"platform", "deployment", "transport"}},
		{2, "Version and pool", []string{"edition", "pool", "load_balancer", "registrar", "site"}},
		{3, "Front ends", []string{"front_ends", "expressway"}},
		{4, "Domains", []string{"domains", "child_domains", "microsoft_domains", "first_priority"}},
		{5, "Routing node", []string{"routing_node", "front_name", "trusted_pool", "application_id"}},
		{StepReview, "Review", nil},
		{StepScripts, "Scripts", nil},
	}
}

// StepOf is the number of the step that asks for the field of a problem's path; the first when none does.
func StepOf(path string) int {
	field, _, _ := strings.Cut(path, ".")
	field, _, _ = strings.Cut(field, "[")
	for _, step := range Steps() {
		if slices.Contains(step.Fields, field) {
			return step.Number
		}
	}
	return 1
}

// CheckStep is Check for the fields of one step.
func CheckStep(number int, a federation.Answers, s federation.Snapshot) federation.Invalid {
	var list federation.Invalid
	for _, p := range Check(a, s) {
		if StepOf(p.Path) == number {
			list = append(list, p)
		}
	}
	return list
}

// FirstOpen is the first step whose answers do not hold yet; StepReview when all do. It keeps anybody from finishing by
// calling the last step alone.
func FirstOpen(a federation.Answers, s federation.Snapshot) int {
	first := StepReview
	for _, p := range Check(a, s) {
		first = min(first, StepOf(p.Path))
	}
	return first
}
