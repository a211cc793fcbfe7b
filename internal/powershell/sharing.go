package powershell

import (
	"slices"

	"isthmus/internal/federation"
)

// A sharing is what other deployments of the wizard use as well when they are in the same topology. A node can be in one
// trusted pool only, so deployments over the same nodes have to share theirs.
type sharing struct {
	SharedWith       []string // names of the deployments with the same trusted pool
	SharedProviders  []string // names of those that need the same public provider
	sharedIdentities []string // application ids of those with the same trusted pool, other than ours
}

// sharingOf compares with the other deployments. A name makes a deployment: one without an ID is a run that is not
// finished yet, and the earlier run of the same name is no other.
func (v values) sharingOf(d federation.Deployment, s federation.Snapshot) sharing {
	var found sharing
	for _, other := range s.Deployments {
		o := values{Name: other.Name, Answers: other.Answers}
		if other.Name == d.Name || o.OCS() || v.OCS() {
			continue
		}
		if v.Provider() && o.Provider() && o.Destination() == v.Destination() {
			found.SharedProviders = append(found.SharedProviders, o.Name)
		}
		if o.Answers.TrustedPool != v.Answers.TrustedPool {
			continue
		}
		found.SharedWith = append(found.SharedWith, o.Name)
		if id := o.Answers.ApplicationID; id != v.Answers.ApplicationID && !slices.Contains(found.sharedIdentities, id) {
			found.sharedIdentities = append(found.sharedIdentities, id)
		}
	}
	slices.Sort(found.SharedWith)
	slices.Sort(found.SharedProviders)
	slices.Sort(found.sharedIdentities)
	return found
}

// ApplicationIDs are the names under which the trusted application may stand: one application is enough for the pool's
// port, and it may be that of a deployment that shares the pool.
func (v values) ApplicationIDs() []string {
	return append([]string{v.Answers.ApplicationID}, v.sharedIdentities...)
}
