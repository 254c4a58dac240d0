using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Proxy.Core.Outcomes;

namespace Proxy.Core.Upstream.Managed;

/// <summary>
/// Makes connections over TCP and TLS. The certificate is always verified, by name and chain; there is no switch to leave it out.
/// Thread-safe.
/// </summary>
public sealed class TcpDialer(TcpDialerOptions options) : UpstreamDialer
{
    private readonly NameCache _names = new(options.Resolve, options.NameLifetime, options.Time);

    // One object per endpoint: TLS sessions are resumed only between connections that share it.
    private readonly ConcurrentDictionary<UpstreamEndpoint, SslClientAuthenticationOptions> _tls = new();

    /// <inheritdoc/>
    public override async Task<UpstreamConnection> DialAsync(UpstreamEndpoint endpoint, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(endpoint);

        // Resolution and handshake take milliseconds of CPU: never on the thread that serves other connections.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        IPAddress? failed = null;
        while (true)
        {
            (Socket socket, IPAddress address) = await ConnectAsync(endpoint, failed, cancellationToken);
            SocketStream stream = new(socket);
            if (!endpoint.UseTls)
            {
                return new StreamUpstreamConnection(endpoint, stream, tls: null);
            }

            try
            {
                return new StreamUpstreamConnection(endpoint, stream, await HandshakeAsync(endpoint, stream, cancellationToken));
            }
            catch (UpstreamException fault) when (fault.Failure == ForwardFailure.UpstreamHandshake && failed is null)
            {
                // Nothing of a request was sent: one more try, at another address where there is one.
                failed = address;
            }
        }
    }

    /// <param name="avoided">An address whose turn comes last; null for none.</param>
    private async Task<(Socket Socket, IPAddress Address)> ConnectAsync(
        UpstreamEndpoint endpoint, IPAddress? avoided, CancellationToken cancellationToken)
    {
        using CancellationTokenSource deadline = new(options.ConnectTimeout, options.Time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        IPAddress[] addresses = await ResolveAsync(endpoint, either.Token);
        int avoidedAt = avoided is null ? -1 : Array.IndexOf(addresses, avoided);
        if (avoidedAt >= 0)
        {
            addresses = [.. addresses[..avoidedAt], .. addresses[(avoidedAt + 1)..], avoided!];
        }

        Exception? last = null;
        for (int i = 0; i < addresses.Length; i++)
        {
            // An address that does not answer may use up only its share, so that the others get their turn.
            using CancellationTokenSource share = new(options.ConnectTimeout / addresses.Length, options.Time);
            using CancellationTokenSource token = CancellationTokenSource.CreateLinkedTokenSource(share.Token, either.Token);
            Socket? socket = null;
            try
            {
                // Inside: a family that this machine lacks, or no descriptor left, is a failed attempt like any other.
                socket = new Socket(addresses[i].AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(new IPEndPoint(addresses[i], endpoint.Port), token.Token);
                return (socket, addresses[i]);
            }
            catch (Exception fault) when (fault is SocketException or OperationCanceledException)
            {
                socket?.Dispose();
                last = fault;
                cancellationToken.ThrowIfCancellationRequested();
            }
        }

        throw last is OperationCanceledException
            ? new UpstreamException(
                ForwardFailure.UpstreamConnectTimeout, $"{endpoint.Host}:{endpoint.Port} did not accept a connection in time", last)
            : new UpstreamException(ForwardFailure.UpstreamConnect, $"{endpoint.Host}:{endpoint.Port}: {last?.Message}", last);
    }

    private async Task<IPAddress[]> ResolveAsync(UpstreamEndpoint endpoint, CancellationToken token)
    {
        if (IPAddress.TryParse(endpoint.Host, out IPAddress? literal))
        {
            return [literal];
        }

        try
        {
            IPAddress[] addresses = await _names.ResolveAsync(endpoint.Host, token);
            return addresses.Length > 0
                ? Alternate(addresses)
                : throw new UpstreamException(ForwardFailure.UpstreamName, $"{endpoint.Host}:{endpoint.Port}: the name has no address");
        }
        catch (SocketException fault)
        {
            throw new UpstreamException(ForwardFailure.UpstreamName, $"{endpoint.Host}:{endpoint.Port}: {fault.Message}", fault);
        }
        catch (OperationCanceledException fault)
        {
            throw new UpstreamException(
                ForwardFailure.UpstreamConnectTimeout, $"{endpoint.Host}:{endpoint.Port}: the name was not resolved in time", fault);
        }
    }

    /// <summary>The resolver's order within a family, families in turn (RFC 8305 §4): one broken family costs one attempt.</summary>
    private static IPAddress[] Alternate(IPAddress[] addresses)
    {
        AddressFamily first = addresses[0].AddressFamily;
        Queue<IPAddress> preferred = new();
        Queue<IPAddress> others = new();
        foreach (IPAddress address in addresses)
        {
            (address.AddressFamily == first ? preferred : others).Enqueue(address);
        }

        List<IPAddress> order = new(addresses.Length);
        while (preferred.Count + others.Count > 0)
        {
            if (preferred.TryDequeue(out IPAddress? one))
            {
                order.Add(one);
            }

            if (others.TryDequeue(out IPAddress? other))
            {
                order.Add(other);
            }
        }

        return [.. order];
    }

    private async Task<VerifyingTlsStream> HandshakeAsync(
        UpstreamEndpoint endpoint, SocketStream stream, CancellationToken cancellationToken)
    {
        VerifyingTlsStream tls = new(stream);
        using CancellationTokenSource deadline = new(options.TlsTimeout, options.Time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        stream.IsHandshaking = true;
        try
        {
            // Connecting may have completed on the thread that serves socket events.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await tls.AuthenticateAsClientAsync(_tls.GetOrAdd(endpoint, CreateTlsOptions), either.Token);
            return tls;
        }
        catch (OperationCanceledException fault) when (!cancellationToken.IsCancellationRequested)
        {
            await tls.DisposeAsync();
            throw new UpstreamException(
                ForwardFailure.UpstreamTlsTimeout, $"{endpoint.Host}:{endpoint.Port} did not finish the TLS handshake in time", fault);
        }
        catch (Exception fault) when (fault is AuthenticationException or IOException or SocketException)
        {
            await tls.DisposeAsync();
            ForwardFailure failure = tls.IsCertificateRejected ? ForwardFailure.UpstreamTls : ForwardFailure.UpstreamHandshake;
            throw new UpstreamException(failure, $"{endpoint.Host}:{endpoint.Port}: {fault.Message}", fault);
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    private SslClientAuthenticationOptions CreateTlsOptions(UpstreamEndpoint endpoint) => new()
    {
        TargetHost = endpoint.Host,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http11],

        // The answer to a renegotiation would be written by the reader, beside the writer, and wait in the cork.
        AllowRenegotiation = false,
        RemoteCertificateValidationCallback = VerifyingTlsStream.Verify(IsTrusted),
        CertificateChainPolicy = new X509ChainPolicy
        {
            // A download in the middle of a handshake is a stall that somebody else controls.
            DisableCertificateDownloads = true,
            RevocationMode = X509RevocationMode.NoCheck,
        },
    };

    /// <summary>The system's verdict, or, where only the chain is in doubt, a chain to one of the configured authorities.</summary>
    private bool IsTrusted(X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (options.ExtraCertificateAuthorities is not { } authorities
            || errors != SslPolicyErrors.RemoteCertificateChainErrors
            || certificate is not X509Certificate2 leaf)
        {
            return errors == SslPolicyErrors.None;
        }

        using X509Chain own = new();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(authorities);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.DisableCertificateDownloads = true;
        own.ChainPolicy.ApplicationPolicy.Add(new System.Security.Cryptography.Oid("1.3.6.1.5.5.7.3.1"));
        if (chain is not null)
        {
            foreach (X509ChainElement element in chain.ChainElements)
            {
                own.ChainPolicy.ExtraStore.Add(element.Certificate);
            }
        }

        return own.Build(leaf);
    }
}

/// <summary>Immutable.</summary>
public sealed record TcpDialerOptions
{
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Certificate authorities that are trusted beside the system's.</summary>
    public X509Certificate2Collection? ExtraCertificateAuthorities { get; init; }

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>
    /// How long the addresses of a name are used without asking again; the system's resolver does not tell what its answer's own limit is.
    /// </summary>
    public TimeSpan NameLifetime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>All addresses of a name.</summary>
    internal Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = NameCache.AskSystemAsync;
}
