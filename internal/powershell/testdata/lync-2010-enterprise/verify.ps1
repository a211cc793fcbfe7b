#Requires -Version 2.0
# verify.ps1 compares the Microsoft side with what Isthmus expects of it. It only reads.
# Deployment 'pool.synergy.com', finished 2026-03-04 09:41:00 UTC at revision 12, answers 38d17366419ce698da38a2e4b69551ae.
#
# Run it in the Lync Server Management Shell on a front end, as a member of RTCUniversalServerAdmins.
# After a download: Unblock-File .\verify.ps1 (or Properties, Unblock)
#
#   .\verify.ps1                                                     a table of what is expected and what is there
#   .\verify.ps1 -Json | Out-File -Encoding UTF8 .\verify.json       the same for a machine; needs PowerShell 3.0
#
# Exit code: 0 when everything is as it should be, else 1.

[CmdletBinding()]
param(
    # Prints JSON and nothing else.
    [switch] $Json
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# What the wizard was told. Every value stands in single quotes, and nothing here is secret.
$Deployment = 'pool.synergy.com'
$Fingerprint = '38d17366419ce698da38a2e4b69551ae'
$Domains = @('synergy.com', 'synergy.co.uk')
$MatchUris = @('synergy.com', 'synergy.co.uk')
$Destination = 'imp1.synergy.com'
$DestinationPort = 5061
$DestinationAddress = '10.1.10.11'
$Pools = @('pool.synergy.com')
$Registrar = 'pool.synergy.com'
$Site = '1'
$FrontEnds = @('fe1.synergy.com', 'fe2.synergy.com')
$TrustedPool = 'trustedpool.synergy.com'
$Computers = @('imp1.synergy.com', 'imp2.synergy.com')
$RoutingNode = 'imp1.synergy.com'
$ApplicationId = 'isthmus'
$ApplicationPort = 5061
$ExpectedRoute = 'TLS {0}:{1}' -f $Destination, $DestinationPort

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

# A property's value, or nothing when the object has no such property: StrictMode makes a plain look at it an error.
function Get-Value($Object, [string] $Name) {
    if ($null -eq $Object) { return $null }
    $property = $Object.PSObject.Properties[$Name]
    if ($null -eq $property) { return $null }
    return $property.Value
}

# Registrar:pool.example.com is pool.example.com, and so is Service:Registrar:pool.example.com.
function Get-Leaf($Value) {
    return ([string]$Value -split ':')[-1]
}

# Where a static route leads, such as TLS imp1.example.com:5061.
function Get-RouteTarget($Route) {
    $transport = Get-Value $Route 'Transport'
    $choice = Get-Value $transport 'TransportChoice'
    $hop = 'TCP ' + [string](Get-Value $choice 'IPAddress')
    $name = [string](Get-Value $choice 'Fqdn')
    if ($name -ne '') { $hop = 'TLS ' + $name }
    return '{0}:{1}' -f $hop, [string](Get-Value $transport 'Port')
}

# The same with everything that keeps it from being the route that is wanted.
function Get-RouteText($Route) {
    $text = Get-RouteTarget $Route
    if ((Get-Value $Route 'Enabled') -eq $false) { $text += ', not enabled' }
    if ((Get-Value $Route 'MatchOnlyPhoneUri') -eq $true) { $text += ', for phone URIs only' }
    if ((Get-Value $Route 'ReplaceHostInRequestUri') -eq $true) { $text += ', replaces the host' }
    return $text
}

function Get-PoolText($RegistrarName, $Authenticated, $Throttled, $Outbound, $Replicated) {
    return 'Registrar {0}, TreatAsAuthenticated {1}, ThrottleAsServer {2}, OutboundOnly {3}, RequiresReplication {4}' -f (Get-Leaf $RegistrarName), $Authenticated, $Throttled, $Outbound, $Replicated
}

# A collection of the pool's own takes the place of the global one: a global route would then never be looked at. So the
# routes belong into the pool's own collections where there are any, and into the global one where there are none.
function Get-RouteCollections {
    $all = @(Get-CsStaticRoutingConfiguration)
    $own = @($all | Where-Object { [string]$_.Identity -like '*Registrar:*' -and $Pools -contains (Get-Leaf $_.Identity) })
    if ($own.Count -gt 0) { return $own }
    return @($all | Where-Object { [string]$_.Identity -eq 'Global' })
}

function Get-Routes($Collection, [string] $Uri) {
    return @(Get-Value $Collection 'Route' | Where-Object { $null -ne $_ -and [string]$_.MatchUri -eq $Uri })
}

function Get-TrustedPools {
    return @(Get-CsTrustedApplicationPool | Where-Object { (Get-Leaf $_.Identity) -eq $TrustedPool })
}

function Get-PoolApplications {
    return @(Get-CsTrustedApplication | Where-Object { [string]$_.TrustedApplicationPoolFqdn -eq $TrustedPool })
}

function Test-OurApplication($Application) {
    return @($ApplicationId, ('urn:application:' + $ApplicationId)) -contains [string]$Application.ApplicationId
}

# One line of the table: what should be there, and what is. An Actual of missing can be added; anything else that
# differs is somebody's decision and is never overwritten.
function New-Row([string] $Kind, [string] $Name, [string] $Scope, [string] $Expected, [string] $Actual) {
    $state = 'CONFLICT'
    if ($Actual -eq 'missing') { $state = 'missing' }
    if ($Actual -eq $Expected) { $state = 'exists' }
    return New-Object -TypeName PSObject -Property @{ State = $state; Kind = $Kind; Name = $Name; Scope = $Scope; Expected = $Expected; Actual = $Actual }
}

function Get-Presence($List) {
    if (@($List).Count -gt 0) { return 'present' }
    return 'missing'
}

# What has to be there before anything can be added, and what this script cannot add.
function Get-NeededRows {
    New-Row 'Site' $Site '' 'present' (Get-Presence @(Get-CsSite | Where-Object { [string]$_.SiteId -eq $Site }))
    New-Row 'Registrar' $Registrar '' 'present' (Get-Presence @(Get-CsService -Registrar | Where-Object { [string]$_.PoolFqdn -eq $Registrar }))
    $known = @(Get-CsSipDomain | ForEach-Object { [string]$_.Name })
    foreach ($domain in $Domains) {
        New-Row 'SipDomain' $domain '' 'present' (Get-Presence @($known | Where-Object { $_ -eq $domain }))
    }
}

function Get-RouteRows {
    foreach ($collection in @(Get-RouteCollections)) {
        foreach ($uri in $MatchUris) {
            $actual = 'missing'
            $routes = @(Get-Routes $collection $uri)
            if ($routes.Count -gt 0) { $actual = @($routes | ForEach-Object { Get-RouteText $_ }) -join ' and ' }
            New-Row 'Route' $uri ([string]$collection.Identity) $ExpectedRoute $actual
        }
    }
}

function Get-PoolRow($Pool) {
    $actual = 'missing'
    if ($null -ne $Pool) {
        $actual = Get-PoolText $Pool.Registrar $Pool.TreatAsAuthenticated $Pool.ThrottleAsServer $Pool.OutboundOnly $Pool.RequiresReplication
    } elseif (@(Get-CsPool | Where-Object { [string]$_.Fqdn -eq $TrustedPool }).Count -gt 0) {
        $actual = 'a pool of another kind has this name'
    }
    New-Row 'TrustedPool' $TrustedPool '' (Get-PoolText $Registrar $true $true $false $false) $actual
}

function Get-ComputerRows($Pool) {
    $all = @(Get-CsTrustedApplicationComputer)
    foreach ($computer in $Computers) {
        $actual = 'missing'
        # The routing node comes with the pool; it is never added to one that exists.
        if ($computer -eq $RoutingNode -and $null -ne $Pool) { $actual = 'missing, although the pool exists' }
        foreach ($found in @($all | Where-Object { (Get-Leaf $_.Identity) -eq $computer })) { $actual = 'in ' + (Get-Leaf $found.Pool) }
        New-Row 'Computer' $computer '' ('in ' + $TrustedPool) $actual
    }
}

function Get-ApplicationRow {
    $actual = 'missing'
    foreach ($application in @(Get-PoolApplications)) {
        if (Test-OurApplication $application) {
            $actual = 'port {0}' -f $application.Port
            break
        }
        if ($application.Port -eq $ApplicationPort) { $actual = 'port {0} belongs to {1}' -f $ApplicationPort, $application.ApplicationId }
    }
    New-Row 'Application' $ApplicationId $TrustedPool ('port {0}' -f $ApplicationPort) $actual
}

function Get-Rows {
    $pool = @(Get-TrustedPools) + @($null)
    Get-NeededRows
    Get-RouteRows
    Get-PoolRow $pool[0]
    Get-ComputerRows $pool[0]
    Get-ApplicationRow
}

# The front ends have to find the host that the routes lead to. Where its address is known, that is what should be found.
function Get-NameRow {
    $expected = $DestinationAddress
    $found = @()
    try { $found = @([System.Net.Dns]::GetHostAddresses($Destination) | ForEach-Object { $_.ToString() }) } catch { $found = @() }
    if ($found.Count -eq 0) { return New-Row 'Name' $Destination 'DNS' 'an address' 'missing' }
    if ($expected -eq '' -or $found -contains $expected) { return New-Row 'Name' $Destination 'DNS' ($found -join ' ') ($found -join ' ') }
    return New-Row 'Name' $Destination 'DNS' $expected ($found -join ' ')
}

function Get-FrontEndsBehind {
    $current = @(Get-CsManagementStoreReplicationStatus | Where-Object { $_.UpToDate } | ForEach-Object { [string]$_.ReplicaFqdn })
    return @($FrontEnds | Where-Object { $current -notcontains $_ })
}

function Get-ReplicationRow {
    $actual = 'up to date'
    $behind = @(Get-FrontEndsBehind)
    if ($behind.Count -gt 0) { $actual = 'behind: ' + ($behind -join ' ') }
    New-Row 'Replication' 'front ends' '' 'up to date' $actual
}

function Show-Rows($Rows) {
    @($Rows) | Format-Table -Property @('State', 'Kind', 'Name', 'Scope', 'Expected', 'Actual') -AutoSize -Wrap | Out-Host
}

function ConvertTo-Report($Rows, [bool] $Ok) {
    $results = @($Rows | ForEach-Object {
            @{ state = $_.State.ToLowerInvariant(); kind = $_.Kind; name = $_.Name; scope = $_.Scope; expected = $_.Expected; actual = $_.Actual }
        })
    $report = @{
        deployment  = $Deployment
        fingerprint = $Fingerprint
        checked     = (Get-Date).ToUniversalTime().ToString('yyyy-MM-ddTHH:mm:ssZ')
        computer    = $env:COMPUTERNAME
        ok          = $Ok
        results     = $results
    }
    return ConvertTo-Json -InputObject $report -Depth 4
}

$code = 1
try {
    Import-Administration
    $rows = @(Get-Rows) + @(Get-NameRow) + @(Get-ReplicationRow)
    $open = @($rows | Where-Object { $_.State -ne 'exists' })
    if ($open.Count -eq 0) { $code = 0 }
    if ($Json) {
        ConvertTo-Report $rows ($open.Count -eq 0)
    } else {
        Show-Rows $rows
        if ($open.Count -eq 0) {
            Write-Host 'Everything is as it should be.'
        } else {
            Write-Host -ForegroundColor Red -Object ('{0} of {1} lines are not as they should be. Run configure.ps1 for what is missing; find out who needs what is in conflict.' -f $open.Count, $rows.Count)
        }
    }
} catch {
    $code = 1
    # Not with Write-Host: under -Json that would stand among the JSON.
    [Console]::Error.WriteLine('Stopped. ' + $_.Exception.Message)
}
exit $code
