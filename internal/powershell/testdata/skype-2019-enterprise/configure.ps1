#Requires -Version 3.0
# configure.ps1 makes the Microsoft side send requests for users of the other side to Isthmus: static routes, a trusted
# application pool with its computers, and a trusted application.
# Deployment 'pool.synergy.com', finished 2026-03-04 09:41:00 UTC at revision 12, answers b5f11a4685e518a77c0b955ed871a2a1.
#
# Run it in the Skype for Business Server Management Shell on a front end, as a member of RTCUniversalServerAdmins.
# After a download: Unblock-File .\configure.ps1 (or Properties, Unblock)
#
#   .\configure.ps1 -WhatIf             says what it would do, and changes nothing
#   .\configure.ps1                     asks before each change
#   .\configure.ps1 -Confirm:$false     does not ask
#
# It looks before it adds. What exists as it should be is left alone, so a second run changes nothing; what is in the way
# stops it before the first change. Before the first change it keeps a backup in the current folder.
# Exit code: 0 when everything is as it should be, else 1.

[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    # Runs Enable-CsTopology although nothing was added: after a run that stopped before it.
    [switch] $EnableTopology,

    # How long to wait until the front ends have the change; 0 does not wait.
    [ValidateRange(0, 3600)]
    [int] $ReplicationSeconds = 600
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# What the wizard was told. Every value stands in single quotes, and nothing here is secret.
$Deployment = 'pool.synergy.com'
$Fingerprint = 'b5f11a4685e518a77c0b955ed871a2a1'
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

# Everything that this script may touch, as it was, and a transcript of what it does.
function Save-Backup {
    $root = (Get-Location -PSProvider FileSystem).ProviderPath
    $folder = Join-Path -Path $root -ChildPath ('isthmus-backup-{0}' -f (Get-Date -Format 'yyyyMMdd-HHmmss'))
    New-Item -ItemType Directory -Path $folder -Confirm:$false | Out-Null
    try {
        Start-Transcript -Path (Join-Path -Path $folder -ChildPath 'transcript.txt') -Confirm:$false | Out-Null
        $script:transcript = $true
    } catch {
        Write-Warning 'This host keeps no transcript; the backup is made all the same.'
    }
    Get-CsTopology -AsXml | Out-File -FilePath (Join-Path -Path $folder -ChildPath 'topology.xml') -Encoding UTF8 -Confirm:$false
    Get-CsStaticRoutingConfiguration | Export-Clixml -Path (Join-Path -Path $folder -ChildPath 'static-routes.xml') -Depth 10 -Confirm:$false
    Get-CsTrustedApplicationPool | Export-Clixml -Path (Join-Path -Path $folder -ChildPath 'trusted-pools.xml') -Depth 5 -Confirm:$false
    Get-CsTrustedApplicationComputer | Export-Clixml -Path (Join-Path -Path $folder -ChildPath 'trusted-computers.xml') -Depth 5 -Confirm:$false
    Get-CsTrustedApplication | Export-Clixml -Path (Join-Path -Path $folder -ChildPath 'trusted-applications.xml') -Depth 5 -Confirm:$false
    Write-Host ('What was there is kept in {0}' -f $folder)
}

# Rights that the static routes do not need are needed here, so this is where a run may stop.
function Publish-Topology {
    try {
        Enable-CsTopology -Confirm:$false | Out-Null
    } catch {
        throw ('Enable-CsTopology failed: {0} It needs a member of RTCUniversalServerAdmins with delegated setup permission, or a domain administrator. Then run this script again with -EnableTopology.' -f $_.Exception.Message)
    }
}

function Wait-Replication {
    if ($ReplicationSeconds -eq 0) { return }
    Write-Host 'Waiting until the front ends have the change.'
    $end = (Get-Date).AddSeconds($ReplicationSeconds)
    do {
        # The first look comes late on purpose: at once, the status is still that of before the change.
        Start-Sleep -Seconds 10
        $behind = @(Get-FrontEndsBehind)
    } while ($behind.Count -gt 0 -and (Get-Date) -lt $end)
}

$code = 1
$changed = $false
$transcript = $false
try {
    Import-Administration
    $rows = @(Get-Rows)
    Show-Rows $rows

    $absent = @($rows | Where-Object { $_.State -eq 'missing' -and @('Site', 'Registrar', 'SipDomain') -contains $_.Kind })
    if ($absent.Count -gt 0) {
        throw ('Nothing was changed. These are not here: {0}. Correct the answers in the wizard, or add them here first.' -f (@($absent | ForEach-Object { $_.Kind + ' ' + $_.Name }) -join ', '))
    }
    $conflicts = @($rows | Where-Object { $_.State -eq 'CONFLICT' })
    if ($conflicts.Count -gt 0) {
        throw ('Nothing was changed. Something else is in the way of: {0}. Find out who needs it, then remove it or choose other names in the wizard.' -f (@($conflicts | ForEach-Object { $_.Kind + ' ' + $_.Name }) -join ', '))
    }
    $name = Get-NameRow
    if ($name.State -ne 'exists') {
        Write-Warning ('The name {0} should lead to {1}, but here it is {2}. The front ends need it in DNS.' -f $name.Name, $name.Expected, $name.Actual)
    }

    $missing = @($rows | Where-Object { $_.State -eq 'missing' })
    if ($missing.Count -gt 0 -and -not $WhatIfPreference) { Save-Backup }

    foreach ($row in @($missing | Where-Object { $_.Kind -eq 'Route' })) {
        if ($PSCmdlet.ShouldProcess($row.Scope, ('Add a static route for {0} to {1}' -f $row.Name, $row.Expected))) {
            $route = New-CsStaticRoute -TLSRoute -Destination $Destination -Port $DestinationPort -MatchUri $row.Name -UseDefaultCertificate $true
            Set-CsStaticRoutingConfiguration -Identity $row.Scope -Route @{ Add = $route } -Confirm:$false
            $changed = $true
        }
    }

    $poolReady = @($missing | Where-Object { $_.Kind -eq 'TrustedPool' }).Count -eq 0
    if (-not $poolReady -and $PSCmdlet.ShouldProcess($TrustedPool, ('Create the trusted application pool with the computer {0}' -f $RoutingNode))) {
        Write-Host 'A warning that a computer was not found in Active Directory is expected here.'
        $pool = @{
            Identity             = $TrustedPool
            Registrar            = $Registrar
            Site                 = $Site
            ComputerFqdn         = $RoutingNode
            TreatAsAuthenticated = $true
            ThrottleAsServer     = $true
            OutboundOnly         = $false
            RequiresReplication  = $false
        }
        New-CsTrustedApplicationPool @pool -Confirm:$false | Out-Null
        $poolReady = $true
        $changed = $true
    }

    foreach ($row in @($missing | Where-Object { $_.Kind -eq 'Computer' -and $_.Name -ne $RoutingNode })) {
        if ($PSCmdlet.ShouldProcess($TrustedPool, ('Add the computer {0}' -f $row.Name))) {
            if (-not $poolReady) { throw ('The pool {0} was declined, so nothing can be added to it.' -f $TrustedPool) }
            New-CsTrustedApplicationComputer -Identity $row.Name -Pool $TrustedPool -Confirm:$false | Out-Null
            $changed = $true
        }
    }

    foreach ($row in @($missing | Where-Object { $_.Kind -eq 'Application' })) {
        if ($PSCmdlet.ShouldProcess($TrustedPool, ('Add the trusted application {0} on port {1}' -f $ApplicationId, $ApplicationPort))) {
            if (-not $poolReady) { throw ('The pool {0} was declined, so nothing can be added to it.' -f $TrustedPool) }
            New-CsTrustedApplication -ApplicationId $ApplicationId -TrustedApplicationPoolFqdn $TrustedPool -Port $ApplicationPort -Confirm:$false | Out-Null
            $changed = $true
        }
    }

    if ($changed -or $EnableTopology -or ($WhatIfPreference -and $missing.Count -gt 0)) {
        if ($PSCmdlet.ShouldProcess('the topology', 'Enable-CsTopology')) {
            Publish-Topology
            Wait-Replication
        } elseif ($changed) {
            Write-Warning 'The topology was not enabled. Run this script again with -EnableTopology.'
        }
    }

    if ($missing.Count -eq 0) {
        Write-Host 'Everything exists already; nothing was changed.'
        $code = 0
    } elseif ($WhatIfPreference) {
        Write-Host 'Nothing was changed.'
        $code = 0
    } else {
        $rows = @(Get-Rows) + @(Get-ReplicationRow)
        Show-Rows $rows
        $open = @($rows | Where-Object { $_.State -ne 'exists' })
        if ($open.Count -gt 0) {
            throw ('Not everything is as it should be: {0}. Run verify.ps1 in a few minutes, and this script again when something is still missing.' -f (@($open | ForEach-Object { $_.Kind + ' ' + $_.Name }) -join ', '))
        }
        Write-Host 'Everything is as it should be. Run verify.ps1 next, then restart.ps1 in a maintenance window.'
        $code = 0
    }
} catch {
    Write-Host -ForegroundColor Red -Object ('Stopped. {0}' -f $_.Exception.Message)
    if ($changed) { Write-Host -ForegroundColor Red -Object 'What was added before stays. Run the script again to go on, or rollback.ps1 to take it back.' }
} finally {
    if ($transcript) { Stop-Transcript | Out-Null }
}
exit $code
