namespace ElfLoader.Arch.Arm;

/// <summary>What R_ARM_TARGET1 means on a platform.</summary>
public enum Target1Meaning
{
    /// <summary>R_ARM_ABS32: Linux, and most others.</summary>
    Absolute,

    /// <summary>R_ARM_REL32.</summary>
    Relative,
}

/// <summary>What R_ARM_TARGET2 means on a platform: how its unwinder finds the type of an exception.</summary>
public enum Target2Meaning
{
    /// <summary>R_ARM_GOT_PREL: Linux, BSD.</summary>
    GotRelative,

    /// <summary>R_ARM_REL32: bare metal.</summary>
    Relative,

    /// <summary>R_ARM_ABS32: bare metal.</summary>
    Absolute,
}

/// <summary>What AAELF32 leaves to the platform, and what the code is linked for.</summary>
public sealed record ArmOptions
{
    /// <summary>The processor; of several objects, what all of them together need.</summary>
    public ArmArchitecture Architecture { get; init; } = ArmArchitecture.V7A;

    /// <summary>What R_ARM_TARGET1 means.</summary>
    public Target1Meaning Target1 { get; init; }

    /// <summary>
    /// What R_ARM_TARGET2 means; null: of an image, what its objects say that they are for, bare metal or Linux; else
    /// <see cref="Target2Meaning.GotRelative"/>.
    /// </summary>
    public Target2Meaning? Target2 { get; init; }

    /// <summary>Whether R_ARM_V4BX turns <c>bx rN</c> to <c>mov pc, rN</c>, for Armv4 without Thumb.</summary>
    public bool RewritesBx { get; init; }

    /// <summary>Whether veneers hold distances rather than addresses, so that the linked code may be moved as a whole.</summary>
    public bool PositionIndependent { get; init; }
}
