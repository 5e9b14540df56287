namespace ElfLoader.Arch.Arm;

/// <summary>What the processor that code is linked for can do, as far as linking depends on it.</summary>
/// <param name="HasArm">Whether it executes A32; processors of the M profile do not.</param>
/// <param name="HasBlx">Whether BLX &lt;label&gt; and loads of PC change the instruction set: from v5T on.</param>
/// <param name="HasWideBranches">
/// Whether BL in Thumb has the bits J1 and J2, so that it reaches 16 MiB rather than 4 MiB: v6T2, v6-M, v7 and later.
/// </param>
/// <param name="HasMovw">Whether MOVW and MOVT exist: v6T2, v7, v8-M and later.</param>
public readonly record struct ArmArchitecture(bool HasArm, bool HasBlx, bool HasWideBranches, bool HasMovw)
{
    /// <summary>Armv7-A; also what is assumed of objects that say nothing.</summary>
    public static ArmArchitecture V7A { get; } = FromBuildAttributes(10, 'A');

    /// <summary>
    /// The architecture that build attributes name (Addenda to, and Errata in, the ABI for the Arm Architecture, "The
    /// target-related attributes").
    /// </summary>
    /// <param name="architecture">Tag_CPU_arch.</param>
    /// <param name="profile">Tag_CPU_arch_profile: 'A', 'R', 'M', 'S', or 0 where it does not apply.</param>
    public static ArmArchitecture FromBuildAttributes(uint architecture, char profile) => architecture switch
    {
        <= 2 => new(HasArm: true, HasBlx: false, HasWideBranches: false, HasMovw: false), // up to v4T
        3 or 4 or 5 or 6 or 7 or 9 => new(HasArm: true, HasBlx: true, HasWideBranches: false, HasMovw: false), // v5T to v6K
        11 or 12 => new(HasArm: false, HasBlx: false, HasWideBranches: true, HasMovw: false), // v6-M, v6S-M
        13 or 16 or 17 or 21 => new(HasArm: false, HasBlx: false, HasWideBranches: true, HasMovw: true), // v7E-M, v8-M
        _ => new(HasArm: profile is not 'M', HasBlx: profile is not 'M', HasWideBranches: true, HasMovw: true),
    };

    /// <summary>
    /// The architecture of an image of which some objects need one and some the other: what one of them uses, the
    /// processor must have.
    /// </summary>
    public ArmArchitecture Merge(ArmArchitecture other) => new(
        HasArm && other.HasArm,
        (HasBlx || other.HasBlx) && HasArm && other.HasArm,
        HasWideBranches || other.HasWideBranches,
        HasMovw || other.HasMovw);
}
