namespace ElfLoader.Demangling;

/// <summary>
/// A part of a name. Declarations of C++ surround what they declare (<c>int (*name)[3]</c>), so a part is written in two halves.
/// </summary>
internal abstract class NamePart
{
    /// <summary>Whether it is an array: a pointer to it needs parentheses.</summary>
    internal virtual bool IsArray(NameWriter writer) => false;

    /// <summary>Whether it is a function: a pointer to it needs parentheses.</summary>
    internal virtual bool IsFunction(NameWriter writer) => false;

    /// <summary>The name by which constructors and destructors of it are called.</summary>
    internal virtual string BaseName => "";

    /// <summary>Itself, or what it stands for as far as is known by now.</summary>
    internal virtual NamePart Resolve(NameWriter writer) => this;

    /// <summary>Writes both halves.</summary>
    internal void Write(NameWriter writer)
    {
        WriteLeft(writer);
        WriteRight(writer);
    }

    /// <summary>Writes what stands before a declared name.</summary>
    internal void WriteLeft(NameWriter writer)
    {
        if (writer.TryEnter())
        {
            Left(writer);
            writer.Leave();
        }
    }

    /// <summary>Writes what stands after it.</summary>
    internal void WriteRight(NameWriter writer)
    {
        if (writer.TryEnter())
        {
            Right(writer);
            writer.Leave();
        }
    }

    /// <summary>Writes parts with commas between them; a pack of nothing leaves no comma.</summary>
    internal static void WriteList(NameWriter writer, IReadOnlyList<NamePart> parts)
    {
        bool isFirst = true;
        foreach (NamePart part in parts)
        {
            int before = writer.Length;
            if (!isFirst)
            {
                _ = writer.Write(", ");
            }

            int start = writer.Length;
            part.Write(writer);
            if (writer.Length == start)
            {
                writer.CutTo(before);
            }
            else
            {
                isFirst = false;
            }

            if (writer.HasFailed)
            {
                return;
            }
        }
    }

    /// <summary>The first half.</summary>
    protected abstract void Left(NameWriter writer);

    /// <summary>The second half.</summary>
    protected virtual void Right(NameWriter writer)
    {
    }
}

/// <summary>Text.</summary>
internal sealed class TextPart(string text, string? baseName = null) : NamePart
{
    internal string Text => text;

    internal override string BaseName => baseName ?? text;

    protected override void Left(NameWriter writer) => writer.Write(text);
}

/// <summary>Parts and text in a row.</summary>
internal sealed class SequencePart(params object[] parts) : NamePart
{
    /// <summary>Whether it has brackets of its own: an operand needs no others.</summary>
    internal bool IsEnclosed { get; init; }

    protected override void Left(NameWriter writer)
    {
        foreach (object part in parts)
        {
            switch (part)
            {
                case string text: _ = writer.Write(text); break;
                case NamePart inner: inner.Write(writer); break;
                case IReadOnlyList<NamePart> list: WriteList(writer, list); break;
                default: throw new InvalidOperationException("Neither text nor a part.");
            }
        }
    }
}

/// <summary>A name in a scope.</summary>
internal sealed class NestedPart(NamePart scope, NamePart name) : NamePart
{
    internal override string BaseName => name.BaseName;

    protected override void Left(NameWriter writer)
    {
        scope.Write(writer);
        _ = writer.Write("::");
        name.Write(writer);
    }
}

/// <summary>A template with its arguments.</summary>
internal sealed class TemplatePart(NamePart name, IReadOnlyList<NamePart> arguments) : NamePart
{
    internal override string BaseName => name.BaseName;

    protected override void Left(NameWriter writer)
    {
        name.Write(writer);
        _ = writer.Write(writer.Last is '<' ? " <" : "<");
        WriteList(writer, arguments);
        _ = writer.Write(writer.Last is '>' ? " >" : ">");
    }
}

/// <summary>A type with <c>const</c>, <c>volatile</c>, <c>restrict</c>, or a vendor's word behind it.</summary>
internal sealed class QualifiedPart(NamePart type, string qualifiers) : NamePart
{
    internal override bool IsArray(NameWriter writer) => type.IsArray(writer);

    internal override bool IsFunction(NameWriter writer) => type.IsFunction(writer);

    internal override string BaseName => type.BaseName;

    protected override void Left(NameWriter writer)
    {
        type.WriteLeft(writer);
        _ = writer.Write(qualifiers);
    }

    protected override void Right(NameWriter writer) => type.WriteRight(writer);
}

/// <summary>A pointer, or a pointer to a member of a class.</summary>
internal sealed class PointerPart(NamePart target, NamePart? member = null) : NamePart
{
    protected override void Left(NameWriter writer)
    {
        NamePart pointee = target.Resolve(writer);
        pointee.WriteLeft(writer);
        bool isEnclosed = pointee.IsArray(writer) || pointee.IsFunction(writer);
        if (pointee.IsArray(writer))
        {
            _ = writer.Write(" ");
        }

        _ = writer.Write(isEnclosed ? "(" : member is null ? "" : " ");
        if (member is not null)
        {
            member.Write(writer);
            _ = writer.Write("::");
        }

        _ = writer.Write("*");
    }

    protected override void Right(NameWriter writer)
    {
        NamePart pointee = target.Resolve(writer);
        _ = writer.Write(pointee.IsArray(writer) || pointee.IsFunction(writer) ? ")" : "");
        pointee.WriteRight(writer);
    }
}

/// <summary>A reference; references to references collapse.</summary>
internal sealed class ReferencePart(NamePart target, bool isRvalue) : NamePart
{
    protected override void Left(NameWriter writer)
    {
        (NamePart referent, bool isRvalueInAll) = Collapse(writer);
        referent.WriteLeft(writer);
        _ = writer.Write(referent.IsArray(writer) ? " (" : referent.IsFunction(writer) ? "(" : "").Write(isRvalueInAll ? "&&" : "&");
    }

    protected override void Right(NameWriter writer)
    {
        (NamePart referent, _) = Collapse(writer);
        _ = writer.Write(referent.IsArray(writer) || referent.IsFunction(writer) ? ")" : "");
        referent.WriteRight(writer);
    }

    private (NamePart Target, bool IsRvalue) Collapse(NameWriter writer)
    {
        const int most = 256; // a reference may be made to refer to itself
        NamePart referent = target.Resolve(writer);
        bool isRvalueInAll = isRvalue;
        for (int i = 0; i < most && referent is ReferencePart inner; i++)
        {
            isRvalueInAll &= inner.IsRvalue;
            referent = inner.Target.Resolve(writer);
        }

        return (referent, isRvalueInAll);
    }

    private bool IsRvalue => isRvalue;

    private NamePart Target => target;
}

/// <summary>An array.</summary>
internal sealed class ArrayPart(NamePart element, NamePart? size) : NamePart
{
    internal override bool IsArray(NameWriter writer) => true;

    protected override void Left(NameWriter writer) => element.WriteLeft(writer);

    protected override void Right(NameWriter writer)
    {
        _ = writer.Write(writer.Last is ']' ? "[" : " [");
        size?.Write(writer);
        _ = writer.Write("]");
        element.WriteRight(writer);
    }
}

/// <summary>A function: its type, or its name with its parameters.</summary>
internal sealed class FunctionPart(NamePart? result, NamePart? name, IReadOnlyList<NamePart> parameters, string suffix) : NamePart
{
    internal override bool IsFunction(NameWriter writer) => name is null;

    internal override string BaseName => name?.BaseName ?? "";

    /// <summary>The same function, without the type of what it returns.</summary>
    internal FunctionPart WithoutResult() => new(null, name, parameters, suffix);

    protected override void Left(NameWriter writer)
    {
        if (result is not null)
        {
            result.WriteLeft(writer);
            _ = writer.Write(" ");
        }

        name?.Write(writer);
        if (name is not null)
        {
            WriteParameters(writer);
        }
    }

    protected override void Right(NameWriter writer)
    {
        if (name is null)
        {
            WriteParameters(writer);
        }
    }

    private void WriteParameters(NameWriter writer)
    {
        _ = writer.Write("(");
        WriteList(writer, parameters);
        _ = writer.Write(")");
        result?.WriteRight(writer);
        _ = writer.Write(suffix);
    }
}
