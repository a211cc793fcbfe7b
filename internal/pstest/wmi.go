package pstest

import (
	"maps"
	"slices"
)

// wmiKeys are the classes of OCS that the model knows, each with all its properties (Microsoft's WMI reference).
var wmiClasses = map[string][]string{
	"MSFT_SIPListeningAddressData": {"Enabled", "InstanceID", "IPAddress", "Port", "TransportType", "TLSCertIssuer", "TLSCertSN"},
	"MSFT_SIPRoutingTableData": {"Backend", "InstanceID", "Enabled", "MatchURI", "MatchOnlyPhoneURI", "NextHop", "NextHopPort", "NextHopTransport",
		"ReplaceHostInRequestURI", "TLSCertIssuer", "TLSCertSN"},
	"MSFT_SIPRemoteAddressData": {"Backend", "InstanceID", "Server", "OutboundOnly", "ThrottleAsServer", "TreatAsAuthenticated"},
}

func (m *Microsoft) wmiClass(c *Call) []string {
	properties := wmiClasses[c.Text("Class")]
	if properties == nil || c.Text("Namespace") != `root\cimv2` {
		c.Unknown("of the class %s in %s", c.Text("Class"), c.Text("Namespace"))
	}
	return properties
}

func (m *Microsoft) getWMI(c *Call) {
	properties := m.wmiClass(c)
	if c.Has("Filter") {
		c.Unknown("with Filter")
	}
	for _, entry := range m.State.WMI[c.Text("Class")] {
		o := NewObject(c.Text("Class"))
		for _, name := range properties {
			o.Set(name, listed(entry[name]))
		}
		c.Out(o)
	}
}

// listed is a value of the state, in which numbers and lists may have gone through JSON, as scripts see it.
func listed(v any) any {
	switch v := v.(type) {
	case float64:
		return int(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = listed(item)
		}
		return list
	}
	return v
}

// setWMI adds an entry whose keys nobody has yet.
func (m *Microsoft) setWMI(c *Call) {
	properties := m.wmiClass(c)
	table, ok := c.Value("Arguments").(*Hash)
	if !ok || c.Text("PutType") != "CreateOnly" {
		c.Unknown("without Arguments, or not with CreateOnly")
	}
	entry := map[string]any{}
	for _, name := range table.names {
		if !slices.Contains(properties, name) {
			c.Unknown("of a property %s, which %s does not have", name, c.Text("Class"))
		}
		entry[name], _ = table.Get(name)
	}
	for _, key := range []string{"Backend", "InstanceID"} {
		if Text(entry[key]) == "" {
			throw("Invalid parameter: %s is a key.", key)
		}
	}
	if _, isNumber := entry["NextHopPort"].(uint32); entry["NextHopPort"] != nil && !isNumber {
		throw("Type mismatch: NextHopPort is a uint32.")
	}
	c.Change("add "+c.Text("Class")+" "+Text(entry["MatchURI"])+Text(entry["Server"]), func() {
		if m.State.WMI == nil {
			m.State.WMI = map[string][]map[string]any{}
		}
		m.State.WMI[c.Text("Class")] = append(m.State.WMI[c.Text("Class")], maps.Clone(entry))
	})
}
