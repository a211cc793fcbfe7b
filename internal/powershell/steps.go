package powershell

// HandInCommand keeps the result of verify.ps1 in a file that ReadVerification reads.
const HandInCommand = `.\verify.ps1 -Json | Out-File -Encoding UTF8 .\verify.json`

// stepsOf are the files of a deployment without their texts.
func stepsOf(v values) []Step {
	if v.OCS() {
		return ocsSteps(v)
	}
	return skypeSteps(v)
}

// skypeSteps are the files for Skype for Business and Lync, in the order in which they are used, the way back last.
func skypeSteps(v values) []Step {
	shell := "Run it in the " + v.Shell() + " on a front end, as a member of RTCUniversalServerAdmins"
	where := shell + ", or of a role to which New-CsStaticRoute is assigned (Get-CsAdminRole). Enable-CsTopology at its end also needs delegated setup permission, or a domain administrator."
	return []Step{
		{File: "checklist.md", Title: "The whole as a checklist", Where: "Names, certificates, scripts and a maintenance window in one list, to print and to tick off."},
		{File: "configure.ps1", Title: "Configure the Microsoft side", Where: where + " First with the switch WhatIf, which only says what it would do.", Command: `.\configure.ps1`,
			Success: "It ends with a table in which every line says exists, and with exit code 0. A second run changes nothing."},
		{File: "verify.ps1", Title: "Compare with what is expected", Where: shell + ". It changes nothing.", Command: `.\verify.ps1`,
			Success: `Every line says exists, and the exit code is 0. Then ` + HandInCommand + ` keeps the result in a file that this page takes in.`},
		{File: "restart.ps1", Title: "Restart the front ends", Where: shell + " who is an administrator of every front end. Users are signed in again meanwhile, so do it in a maintenance window.", Command: `.\restart.ps1`,
			Success: "Each front end is stopped and started alone, and RTCSRV runs on it before the next one is touched."},
		{File: "rollback.ps1", Title: "Take it back", Where: where + " Only to undo configure.ps1.", Command: `.\rollback.ps1`,
			Success: "It removes what is exactly as configure.ps1 makes it, also where it stood there before, and nothing else; it asks before each removal."},
	}
}

// ocsSteps are the files for OCS 2007 R2, which has no cmdlets.
func ocsSteps(v values) []Step {
	command := `.\configure.ps1`
	if v.Backend() == "" {
		command += ` -Backend SERVER\INSTANCE`
	}
	return []Step{
		{File: "checklist.md", Title: "The whole as a checklist", Where: "OCS 2007 R2 is configured by hand, in its administrative snap-in; the values are filled in."},
		{File: "configure.ps1", Title: "Routes and host authorization by WMI", Where: "Run it in " + v.Shell() + " on a front end, as a member of RTCUniversalServerAdmins, in place of the two steps of the checklist that it names.",
			Command: command, Success: "It ends with a table in which every line says exists, and with exit code 0."},
	}
}
