#Requires -Version 3.0
# restart.ps1 restarts the Front-End service (RTCSRV) on one front end after the other.
# Deployment 'pool.synergy.com', finished 2026-03-04 09:41:00 UTC at revision 12, answers bc10fb2071f2c880b550be942629fa42.
#
# Run it in the Lync Server Management Shell on a front end, as a member of RTCUniversalServerAdmins, in a maintenance window: users
# of a front end are signed in again while it restarts. It does not touch the next front end before the service runs on
# the one before.
# After a download: Unblock-File .\restart.ps1 (or Properties, Unblock)
#
#   .\restart.ps1 -WhatIf               says what it would do, and changes nothing
#   .\restart.ps1                       asks before each front end
#   .\restart.ps1 -FrontEnd NAME        one front end alone
#
# Exit code: 0 when the service runs on every front end that was restarted, else 1.

[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    # The front ends to restart.
    [string[]] $FrontEnd = @('fe1.synergy.com', 'fe2.synergy.com'),

    # How long to wait until the service runs again.
    [ValidateRange(30, 3600)]
    [int] $StartSeconds = 600,

    # Lets conversations end first; that can take long.
    [switch] $Graceful
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$Service = 'RTCSRV'

function Import-Administration {
    # Import-Module has no -WhatIf of its own; with the preference on, the module's start would only print noise.
    $WhatIfPreference = $false
    if (Get-Command -Name 'New-CsStaticRoute' -ErrorAction SilentlyContinue) { return }
    foreach ($name in @('SkypeForBusiness', 'Lync')) {
        if (@(Get-Module -ListAvailable -Name $name).Count -gt 0) {
            Import-Module -Name $name
            return
        }
    }
    throw 'This computer has neither the module SkypeForBusiness nor Lync. Run the script on a front end, or where the administrative tools are installed.'
}

function Get-Running([string] $Computer) {
    return @(Get-CsWindowsService -ComputerName $Computer -ExcludeActivityLevel | Where-Object { [string]$_.Status -eq 'Running' } | ForEach-Object { [string]$_.Name })
}

# Stopping a service stops those that depend on it, and starting it does not start them again: so whatever ran before is
# started again by name.
function Restart-FrontEnd([string] $Computer) {
    $before = @(Get-Running $Computer)
    Stop-CsWindowsService -Name $Service -ComputerName $Computer -Graceful:$Graceful -Confirm:$false | Out-Null
    Start-CsWindowsService -Name $Service -ComputerName $Computer -Confirm:$false | Out-Null
    $end = (Get-Date).AddSeconds($StartSeconds)
    do {
        Start-Sleep -Seconds 5
        $running = @(Get-Running $Computer)
    } while ($running -notcontains $Service -and (Get-Date) -lt $end)
    if ($running -notcontains $Service) {
        throw ('{0} does not run on {1} after {2} seconds. The front ends after it were not touched; look at its event log.' -f $Service, $Computer, $StartSeconds)
    }
    foreach ($name in @($before | Where-Object { $running -notcontains $_ })) {
        Start-CsWindowsService -Name $name -ComputerName $Computer -Confirm:$false | Out-Null
    }
}

$code = 1
try {
    Import-Administration
    $declined = 0
    foreach ($computer in $FrontEnd) {
        if ($PSCmdlet.ShouldProcess($computer, 'Stop and start RTCSRV')) {
            Restart-FrontEnd $computer
            Write-Host ('{0} runs on {1} again.' -f $Service, $computer)
        } else {
            $declined = $declined + 1
        }
    }
    if ($declined -gt 0 -and -not $WhatIfPreference) { Write-Warning ('{0} front ends were left alone; they know nothing of the change until they restart.' -f $declined) }
    $code = 0
} catch {
    Write-Host -ForegroundColor Red -Object ('Stopped. {0}' -f $_.Exception.Message)
}
exit $code
