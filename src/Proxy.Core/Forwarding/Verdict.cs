namespace Proxy.Core.Forwarding;

/// <summary>What becomes of a request once its head is read.</summary>
internal enum Verdict : byte
{
    /// <summary>Nothing more comes: the connection ends without an answer.</summary>
    Leave,
    Forward,
    Refuse,
    AnswerHealth,
    AnswerReadiness,
    AnswerEmpty,
}
