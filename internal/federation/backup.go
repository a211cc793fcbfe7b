package federation

// CannotBackUp is why the backup of a home node could not take its users now, as a clause that follows its name: "is a
// routing node ...". It is "" when the backup could, and where none is asked for.
func (s *Snapshot) CannotBackUp(n Node) string {
	backup := s.Node(n.Backup)
	if n.Routing || backup == nil {
		return ""
	}
	connects := s.Runs(backup.Name, ServiceSIPFederation)
	switch {
	case connects && s.Runs(backup.Name, ServiceSIPProxy):
		return ""
	case connects:
		return "does not run the SIP proxy"
	case backup.Routing:
		return "is a routing node and does not run the SIP Federation Connection Manager"
	}
	return "does not run the SIP Federation Connection Manager"
}

// BackedUpBy are the names of the home nodes whose backup a node is.
func (c *Configuration) BackedUpBy(node string) []string {
	var list []string
	for _, n := range c.Nodes {
		if n.Backup == node && !n.Routing {
			list = append(list, n.Name)
		}
	}
	return list
}
