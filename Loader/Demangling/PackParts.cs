namespace ElfLoader.Demangling;

/// <summary>Arguments that were given for a parameter pack, where they were given.</summary>
internal sealed class PackListPart(IReadOnlyList<NamePart> elements) : NamePart
{
    internal IReadOnlyList<NamePart> Elements => elements;

    protected override void Left(NameWriter writer) => WriteList(writer, elements);
}

/// <summary>The same where the parameter pack is referred to: of these, an expansion writes one after the other.</summary>
internal sealed class PackPart(IReadOnlyList<NamePart> elements) : NamePart
{
    internal override bool IsArray(NameWriter writer) => Element(writer)?.IsArray(writer) ?? false;

    internal override bool IsFunction(NameWriter writer) => Element(writer)?.IsFunction(writer) ?? false;

    internal override NamePart Resolve(NameWriter writer)
    {
        Meet(writer);
        return writer.PackIndex >= 0 && writer.PackIndex < elements.Count ? elements[writer.PackIndex].Resolve(writer) : this;
    }

    protected override void Left(NameWriter writer)
    {
        Meet(writer);
        if (writer.PackIndex < 0)
        {
            WriteList(writer, elements);
        }
        else if (writer.PackIndex < elements.Count)
        {
            elements[writer.PackIndex].WriteLeft(writer);
        }
    }

    protected override void Right(NameWriter writer)
    {
        Meet(writer);
        if (writer.PackIndex >= 0 && writer.PackIndex < elements.Count)
        {
            elements[writer.PackIndex].WriteRight(writer);
        }
    }

    /// <summary>The element that is being written.</summary>
    private NamePart? Element(NameWriter writer)
    {
        Meet(writer);
        int index = writer.PackIndex < 0 && elements.Count is 1 ? 0 : writer.PackIndex;
        return index >= 0 && index < elements.Count ? elements[index] : null;
    }

    private void Meet(NameWriter writer) => writer.PackCount = Math.Max(writer.PackCount, elements.Count);
}

/// <summary>A pattern, once for each element of the packs in it.</summary>
internal sealed class ExpansionPart(NamePart pattern) : NamePart
{
    protected override void Left(NameWriter writer)
    {
        (int index, int count) = (writer.PackIndex, writer.PackCount);
        int start = writer.Length;
        (writer.PackIndex, writer.PackCount) = (0, -1);
        pattern.Write(writer);
        int elements = writer.PackCount;
        if (elements < 0)
        {
            _ = writer.Write("..."); // there is no pack in it whose elements are known
        }
        else if (elements is 0)
        {
            writer.CutTo(start);
        }

        for (int i = 1; i < elements && !writer.HasFailed; i++)
        {
            writer.PackIndex = i;
            pattern.Write(writer.Write(", "));
        }

        (writer.PackIndex, writer.PackCount) = (index, count);
    }
}

/// <summary>A template's parameter that is named before the argument it stands for: the target of a conversion operator.</summary>
internal sealed class ForwardPart(int index) : NamePart
{
    private bool _isBeingWritten;

    /// <summary>Number of the parameter.</summary>
    internal int Index => index;

    /// <summary>The argument, once it is known.</summary>
    internal NamePart? Argument { get; set; }

    internal override bool IsArray(NameWriter writer) => Guarded(argument => argument.IsArray(writer));

    internal override bool IsFunction(NameWriter writer) => Guarded(argument => argument.IsFunction(writer));

    internal override NamePart Resolve(NameWriter writer)
    {
        if (_isBeingWritten || Argument is null)
        {
            return this;
        }

        _isBeingWritten = true;
        NamePart resolved = Argument.Resolve(writer);
        _isBeingWritten = false;
        return resolved;
    }

    protected override void Left(NameWriter writer)
    {
        // The writer's depth ends what refers to itself.
        Argument?.WriteLeft(writer);
    }

    protected override void Right(NameWriter writer) => Argument?.WriteRight(writer);

    private bool Guarded(Func<NamePart, bool> ask)
    {
        if (_isBeingWritten || Argument is null)
        {
            return false;
        }

        _isBeingWritten = true;
        bool answer = ask(Argument);
        _isBeingWritten = false;
        return answer;
    }
}
