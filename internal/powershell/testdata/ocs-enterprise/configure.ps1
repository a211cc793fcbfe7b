#Requires -Version 2.0
# configure.ps1 adds static routes and host authorization to OCS 2007 R2 by WMI. Ports, certificates and the FIPS policy
# stay with the checklist; do those first.
# Deployment 'pool.synergy.com', finished 2026-03-04 09:41:00 UTC at revision 12, answers d3ab9b2a8de22146cdd32acf31bd48fe.
#
# Run it in Windows PowerShell on a front end, as a member of RTCUniversalServerAdmins, on one front end of the pool only.
#
#   .\configure.ps1 -WhatIf             says what it would do, and changes nothing
#   .\configure.ps1                     asks before each change
#
# It looks before it adds. What exists as it should be is left alone, so a second run changes nothing; what is in the way
# stops it before the first change. Exit code: 0 when everything is as it should be, else 1.

[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    # The SQL Server instance of the pool's database, such as sql1.example.com\rtc.
    [string] $Backend = ''
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# What the wizard was told. Every value stands in single quotes, and nothing here is secret.
$Namespace = 'root\cimv2'
$MatchUris = @('synergy.com', 'synergy.co.uk')
$NextHop = 'imp1.synergy.com'
$NextHopPort = 5061
$Transport = 'TLS'
$Hosts = @('imp1.synergy.com', '10.1.10.11', 'imp2.synergy.com', '10.1.10.12')
$ExpectedRoute = '{0} {1}:{2}' -f $Transport, $NextHop, $NextHopPort
$ExpectedHost = 'OutboundOnly False, ThrottleAsServer True, TreatAsAuthenticated True'

function New-Row([string] $Kind, [string] $Name, [string] $Expected, [string] $Actual) {
    $state = 'CONFLICT'
    if ($Actual -eq 'missing') { $state = 'missing' }
    if ($Actual -eq $Expected) { $state = 'exists' }
    return New-Object -TypeName PSObject -Property @{ State = $state; Kind = $Kind; Name = $Name; Expected = $Expected; Actual = $Actual }
}

function Get-Rows {
    $routes = @(Get-WmiObject -Namespace $Namespace -Class MSFT_SIPRoutingTableData)
    foreach ($uri in $MatchUris) {
        $actual = 'missing'
        foreach ($route in @($routes | Where-Object { $_.MatchURI -eq $uri })) {
            $actual = '{0} {1}:{2}' -f $route.NextHopTransport, $route.NextHop, $route.NextHopPort
            if (-not $route.Enabled) { $actual += ', not enabled' }
            if ($route.ReplaceHostInRequestURI) { $actual += ', replaces the host' }
        }
        New-Row 'Route' $uri $ExpectedRoute $actual
    }
    $known = @(Get-WmiObject -Namespace $Namespace -Class MSFT_SIPRemoteAddressData)
    foreach ($name in $Hosts) {
        $actual = 'missing'
        foreach ($entry in @($known | Where-Object { $_.Server -eq $name })) {
            $actual = 'OutboundOnly {0}, ThrottleAsServer {1}, TreatAsAuthenticated {2}' -f $entry.OutboundOnly, $entry.ThrottleAsServer, $entry.TreatAsAuthenticated
        }
        New-Row 'Host' $name $ExpectedHost $actual
    }
}

function Show-Rows($Rows) {
    @($Rows) | Format-Table -Property @('State', 'Kind', 'Name', 'Expected', 'Actual') -AutoSize -Wrap | Out-Host
}

function New-InstanceId {
    return '{' + [Guid]::NewGuid().ToString().ToUpperInvariant() + '}'
}

# The listening address where the nodes connect. Its certificate is the one that a TLS route presents.
function Get-Listening {
    $wanted = @('TCP')
    if ($Transport -eq 'TLS') { $wanted = @('TLS', 'MTLS') }
    return @(Get-WmiObject -Namespace $Namespace -Class MSFT_SIPListeningAddressData | Where-Object { $_.Enabled -and $_.Port -eq $NextHopPort -and $wanted -contains $_.TransportType })
}

$code = 1
$changed = $false
try {
    $rows = @(Get-Rows)
    Show-Rows $rows
    $conflicts = @($rows | Where-Object { $_.State -eq 'CONFLICT' })
    if ($conflicts.Count -gt 0) {
        throw ('Nothing was changed. Something else is in the way of: {0}. Find out who needs it, then remove it first.' -f (@($conflicts | ForEach-Object { $_.Kind + ' ' + $_.Name }) -join ', '))
    }
    $missing = @($rows | Where-Object { $_.State -eq 'missing' })
    $listening = @(Get-Listening)
    if ($missing.Count -gt 0 -and $listening.Count -eq 0) {
        throw ('Nothing was changed. This server does not listen on port {0} over {1}; do the first part of the checklist.' -f $NextHopPort, $Transport)
    }
    if ($missing.Count -gt 0 -and $Backend -eq '') {
        throw 'Nothing was changed. Name the SQL Server instance of the pool: .\configure.ps1 -Backend SERVER\INSTANCE'
    }
    if ($missing.Count -gt 0 -and -not $WhatIfPreference) {
        $root = (Get-Location -PSProvider FileSystem).ProviderPath
        $file = Join-Path -Path $root -ChildPath ('isthmus-backup-{0}.xml' -f (Get-Date -Format 'yyyyMMdd-HHmmss'))
        @(Get-WmiObject -Namespace $Namespace -Class MSFT_SIPRoutingTableData) + @(Get-WmiObject -Namespace $Namespace -Class MSFT_SIPRemoteAddressData) | Export-Clixml -Path $file -Depth 3 -Confirm:$false
        Write-Host ('What was there is kept in {0}' -f $file)
    }

    foreach ($row in @($missing | Where-Object { $_.Kind -eq 'Route' })) {
        if ($PSCmdlet.ShouldProcess($Backend, ('Add a static route for {0} to {1}' -f $row.Name, $ExpectedRoute))) {
            $route = @{
                Backend                 = $Backend
                InstanceID              = New-InstanceId
                Enabled                 = $true
                MatchURI                = $row.Name
                NextHop                 = $NextHop
                NextHopPort             = [uint32]$NextHopPort
                NextHopTransport        = $Transport
                ReplaceHostInRequestURI = $false
            }
            if ($Transport -eq 'TLS') {
                $route['TLSCertIssuer'] = $listening[0].TLSCertIssuer
                $route['TLSCertSN'] = $listening[0].TLSCertSN
            }
            Set-WmiInstance -Namespace $Namespace -Class MSFT_SIPRoutingTableData -Arguments $route -PutType CreateOnly -Confirm:$false | Out-Null
            $changed = $true
        }
    }

    foreach ($row in @($missing | Where-Object { $_.Kind -eq 'Host' })) {
        if ($PSCmdlet.ShouldProcess($Backend, ('Authorize the host {0}' -f $row.Name))) {
            $entry = @{
                Backend              = $Backend
                InstanceID           = New-InstanceId
                Server               = $row.Name
                OutboundOnly         = $false
                ThrottleAsServer     = $true
                TreatAsAuthenticated = $true
            }
            Set-WmiInstance -Namespace $Namespace -Class MSFT_SIPRemoteAddressData -Arguments $entry -PutType CreateOnly -Confirm:$false | Out-Null
            $changed = $true
        }
    }

    if ($missing.Count -eq 0) {
        Write-Host 'Everything exists already; nothing was changed.'
        $code = 0
    } elseif ($WhatIfPreference) {
        Write-Host 'Nothing was changed.'
        $code = 0
    } else {
        $rows = @(Get-Rows)
        Show-Rows $rows
        $open = @($rows | Where-Object { $_.State -ne 'exists' })
        if ($open.Count -gt 0) {
            throw ('Not everything is as it should be: {0}. Run the script again.' -f (@($open | ForEach-Object { $_.Kind + ' ' + $_.Name }) -join ', '))
        }
        Write-Host 'Everything is as it should be. Restart the Front-End service in a maintenance window, one front end after the other.'
        $code = 0
    }
} catch {
    Write-Host -ForegroundColor Red -Object ('Stopped. {0}' -f $_.Exception.Message)
    if ($changed) { Write-Host -ForegroundColor Red -Object 'What was added before stays. Run the script again to go on.' }
}
exit $code
