#Requires -Version 3.0
# rollback.ps1 takes back what configure.ps1 made: our static routes, our trusted application, and our trusted application
# pool when nothing else is in it. Everything else stays.
# Deployment 'pool.synergy.com', finished 2026-03-04 09:41:00 UTC at revision 12, answers b5f11a4685e518a77c0b955ed871a2a1.
#
# Run it in the Skype for Business Server Management Shell on a front end, as a member of RTCUniversalServerAdmins.
# After a download: Unblock-File .\rollback.ps1 (or Properties, Unblock)
#
#   .\rollback.ps1 -WhatIf             says what it would remove, and changes nothing
#   .\rollback.ps1                     asks before each removal
#
# Before the first removal it keeps a backup in the current folder.
# Exit code: 0 when nothing of ours is left, else 1.

[CmdletBinding(SupportsShouldProcess = $true, ConfirmImpact = 'High')]
param(
    # Runs Enable-CsTopology although nothing was removed: after a run that stopped before it.
    [switch] $EnableTopology
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

# Our routes, each with the collection that holds it: ours is what has our domain, our destination and our port.
function Get-OurRoutes {
    $global = @(Get-CsStaticRoutingConfiguration | Where-Object { [string]$_.Identity -eq 'Global' })
    $own = @(Get-RouteCollections | Where-Object { [string]$_.Identity -ne 'Global' })
    foreach ($collection in ($global + $own)) {
        foreach ($uri in $MatchUris) {
            foreach ($route in @(Get-Routes $collection $uri | Where-Object { (Get-RouteTarget $_) -eq $ExpectedRoute })) {
                New-Object -TypeName PSObject -Property @{ Scope = [string]$collection.Identity; Uri = $uri; Route = $route }
            }
        }
    }
}

function Get-OurApplications {
    return @(Get-PoolApplications | Where-Object { (Test-OurApplication $_) -and $_.Port -eq $ApplicationPort })
}

# The pool is ours when it is as configure.ps1 makes it and holds no application and no computer of others.
function Get-OurPool {
    $wanted = Get-PoolText $Registrar $true $true $false $false
    foreach ($pool in @(Get-TrustedPools)) {
        $text = Get-PoolText $pool.Registrar $pool.TreatAsAuthenticated $pool.ThrottleAsServer $pool.OutboundOnly $pool.RequiresReplication
        $applications = @(Get-PoolApplications | Where-Object { -not (Test-OurApplication $_) -or $_.Port -ne $ApplicationPort })
        $strangers = @(Get-PoolComputers | Where-Object { $Computers -notcontains $_ })
        if ($text -ne $wanted) {
            Write-Host ('The pool {0} stays: it is not as configure.ps1 makes it.' -f $TrustedPool)
        } elseif ($applications.Count -gt 0) {
            Write-Host ('The pool {0} stays: it also holds {1}.' -f $TrustedPool, (@($applications | ForEach-Object { $_.ApplicationId }) -join ', '))
        } elseif ($strangers.Count -gt 0) {
            Write-Host ('The pool {0} stays: it also holds the computers {1}.' -f $TrustedPool, ($strangers -join ', '))
        } else {
            $pool
        }
    }
}

function Get-PoolComputers {
    return @(Get-CsTrustedApplicationComputer | Where-Object { (Get-Leaf $_.Pool) -eq $TrustedPool } | ForEach-Object { Get-Leaf $_.Identity })
}

$code = 1
$changed = $false
$transcript = $false
try {
    Import-Administration
    $routes = @(Get-OurRoutes)
    $applications = @(Get-OurApplications)
    $pools = @(Get-OurPool)
    $providers = @()
    $found = $routes.Count + $applications.Count + $pools.Count + $providers.Count
    if ($found -gt 0 -and -not $WhatIfPreference) { Save-Backup }

    foreach ($item in $routes) {
        if ($PSCmdlet.ShouldProcess($item.Scope, ('Remove the static route for {0} to {1}' -f $item.Uri, $ExpectedRoute))) {
            Set-CsStaticRoutingConfiguration -Identity $item.Scope -Route @{ Remove = $item.Route } -Confirm:$false
            $changed = $true
        }
    }
    foreach ($application in $applications) {
        if ($PSCmdlet.ShouldProcess([string]$application.Identity, 'Remove the trusted application')) {
            Remove-CsTrustedApplication -Identity ([string]$application.Identity) -Confirm:$false
            $changed = $true
        }
    }
    if ($pools.Count -gt 0) {
        # Looked at again: an application that somebody kept keeps its pool.
        $kept = @(Get-PoolApplications)
        if ($kept.Count -gt 0 -and -not $WhatIfPreference) {
            Write-Host ('The pool {0} stays, because an application in it stays.' -f $TrustedPool)
        } elseif ($PSCmdlet.ShouldProcess($TrustedPool, ('Remove the trusted application pool with the computers {0}' -f ($Computers -join ', ')))) {
            # The last computer cannot be removed; it goes with its pool.
            foreach ($computer in @(Get-PoolComputers | Select-Object -Skip 1)) {
                Remove-CsTrustedApplicationComputer -Identity $computer -Confirm:$false
                $changed = $true
            }
            Remove-CsTrustedApplicationPool -Identity $TrustedPool -Confirm:$false
            $changed = $true
        }
    }

    if ($changed -or $EnableTopology -or ($WhatIfPreference -and $found -gt 0)) {
        if ($PSCmdlet.ShouldProcess('the topology', 'Enable-CsTopology')) {
            Publish-Topology
        } elseif ($changed) {
            Write-Warning 'The topology was not enabled. Run this script again with -EnableTopology.'
        }
    }

    if ($WhatIfPreference) {
        Write-Host 'Nothing was changed.'
        $code = 0
    } elseif (@(Get-OurRoutes).Count + @(Get-OurApplications).Count + @(Get-OurPool).Count -eq 0) {
        Write-Host 'Nothing of ours is left.'
        $code = 0
    } else {
        Write-Warning 'Something of ours is left, because it was declined. Run the script again to remove it.'
    }
} catch {
    Write-Host -ForegroundColor Red -Object ('Stopped. {0}' -f $_.Exception.Message)
    if ($changed) { Write-Host -ForegroundColor Red -Object 'What was removed before stays removed. Run the script again to go on, or configure.ps1 to add it again.' }
} finally {
    if ($transcript) { Stop-Transcript | Out-Null }
}
exit $code
