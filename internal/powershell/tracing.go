package powershell

// The three ways in which the Microsoft side shows its SIP messages (guide p.130): the Logging Tool of Lync 2010, the
// Centralized Logging Service from Lync 2013 on, and the debug session of OCS.

const (
	tracingName  = "tracing"
	tracingTitle = "Trace the Microsoft side"
	tracingLede  = "When a message is lost between the two sides, its path shows in both traces: the same request has the same Call-ID here and there. " +
		"A trace holds what people write to each other. Keep it short, and delete its files in the end."
)

func tracingPage(w *writer) Page {
	page := Page{Name: tracingName, Title: tracingTitle, Lede: tracingLede, Sections: []Section{loggingService(w), loggingEnd(w)}}
	if w.Lync2010() {
		page.Sections = []Section{loggingTool("Choose Start, All Programs, Microsoft Lync Server 2010, Lync Server Logging Tool."), loggingToolEnd()}
	}
	page.Sections = append(page.Sections, snooper(w))
	return page
}

func ocsTracingPage(w *writer) Page {
	kind := "server"
	if w.Answers.Pool != "" {
		kind = "pool"
	}
	begin := w.say("Choose Start, Programs, Administrative Tools, Office Communications Server 2007 R2. Right-click the "+kind+" %s and choose Logging Tool, New Debug Session.", w.PoolFQDN())
	return Page{Name: tracingName, Title: tracingTitle, Lede: tracingLede, Sections: []Section{loggingTool(begin), loggingToolEnd(), snooper(w)}}
}

// loggingTool is the same window in Lync 2010 and in OCS. It sees the server on which it runs, no other.
func loggingTool(begin string) Section {
	return Section{Title: "Begin", Items: []Item{
		item("Do this on each front end through which the message may go; the Logging Tool sees its own server alone."),
		item(begin),
		item("Under Components, tick SIPStack and nothing else. Under Level, choose All."),
		item("Choose Start Logging, then let the failing message be sent again. Note the time."),
	}}
}

func loggingToolEnd() Section {
	return Section{Title: "End it", Items: []Item{
		item("Choose Stop Logging. Until then the files grow, and the front end has more to do."),
		item("Choose Analyze Log Files to see what was caught."),
		item("When the fault is found, delete the log files in the folder that the Logging Tool names."),
	}}
}

// loggingService are lines for the shell. The scenario is not AlwaysOn, which others may rely on and which ending the
// trace would switch off.
func loggingService(w *writer) Section {
	return Section{Title: "Begin", Items: []Item{
		item("Open the " + w.Shell() + " on a front end, as a member of RTCUniversalServerAdmins. The lines go to all front ends of the pool at once."),
		w.run("See which scenarios hold SIP messages. IMAndPresence should be among them; otherwise take another of the list below.",
			`Get-CsClsScenario | Where-Object { $_.Provider.Name -contains 'SIPStack' } | Select-Object -Property Name`),
		w.run("See what is traced already. Beside AlwaysOn one scenario can run; end none that somebody else began.", "Show-CsClsLogging -Pools %s", w.PoolFQDN()),
		w.run("Begin. It ends by itself after an hour.", "Start-CsClsLogging -Scenario 'IMAndPresence' -Pools %s -Duration '0.01:00'", w.PoolFQDN()),
		item("Let the failing message be sent again. Note the time."),
	}}
}

func loggingEnd(w *writer) Section {
	return Section{Title: "End it and fetch the messages", Items: []Item{
		w.run("Have the servers write down what they still hold in memory.", "Sync-CsClsLogging -Pools %s", w.PoolFQDN()),
		w.run("End the trace.", "Stop-CsClsLogging -Scenario 'IMAndPresence' -Pools %s", w.PoolFQDN()),
		w.run("Fetch the SIP messages of the last half hour into one file. The folder has to exist.",
			`Search-CsClsLogging -Pools %s -Components 'SIPStack' -LogLevel 'All' -StartTime (Get-Date).AddMinutes(-30) -EndTime (Get-Date) -OutputFilePath 'C:\Temp\isthmus-trace.txt'`, w.PoolFQDN()),
		item("When the fault is found, delete that file."),
	}}
}

// snooper is Microsoft's reader of the three kinds of files (guide p.130).
func snooper(w *writer) Section {
	return Section{Title: "Read it", Items: []Item{
		item("Open the file in Snooper, a tool that Microsoft offers as a download. Its tab Messages shows one SIP message a line."),
		item(w.say("Search for the name of a user of the message, then for %s: the request has to leave for it, and the answer has to come back with the same Call-ID.", w.Destination())),
		item("A refusal by the Microsoft side carries the header ms-diagnostics, which says why."),
	}}
}
