namespace ElfLoader.Fuzz.Faults;

/// <summary>A call to the system that the product makes, and the errors that its manual page lists (Linux, section 2).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Errors">The errors, by name and number.</param>
internal sealed record SystemCall(string Name, params (string Name, int Number)[] Errors)
{
    private static readonly (string, int) s_eperm = ("EPERM", 1);
    private static readonly (string, int) s_enoent = ("ENOENT", 2);
    private static readonly (string, int) s_eintr = ("EINTR", 4);
    private static readonly (string, int) s_eio = ("EIO", 5);
    private static readonly (string, int) s_eagain = ("EAGAIN", 11);
    private static readonly (string, int) s_enomem = ("ENOMEM", 12);
    private static readonly (string, int) s_eacces = ("EACCES", 13);
    private static readonly (string, int) s_einval = ("EINVAL", 22);
    private static readonly (string, int) s_enfile = ("ENFILE", 23);
    private static readonly (string, int) s_emfile = ("EMFILE", 24);
    private static readonly (string, int) s_efbig = ("EFBIG", 27);
    private static readonly (string, int) s_enospc = ("ENOSPC", 28);
    private static readonly (string, int) s_enosys = ("ENOSYS", 38);
    private static readonly (string, int) s_eopnotsupp = ("EOPNOTSUPP", 95);

    /// <summary>All of them.</summary>
    internal static IReadOnlyList<SystemCall> All { get; } =
    [
        new("memfd_create", s_emfile, s_enfile, s_enomem, s_einval, s_eperm, s_enosys),
        new("ftruncate", s_eintr, s_efbig, s_einval, s_eio, s_eperm, s_enospc),
        new("pwrite", s_eintr, s_enospc, s_eio, s_efbig, s_eperm),
        new("fallocate", s_eintr, s_enospc, s_eopnotsupp, s_eperm, s_eio, s_enosys),
        new("mmap", s_enomem, s_eagain, s_eacces, s_enfile, s_eperm, s_einval),
        new("munmap", s_enomem, s_einval),
        new("mprotect", s_enomem, s_eacces, s_einval),
        new("madvise", s_eagain, s_einval, s_enomem, s_eperm),
        new("getrlimit", s_eperm, s_einval),
        new("membarrier", s_eperm, s_enosys, s_einval),
        new("process_vm_readv", s_eperm, s_enosys, s_enomem),
        new("get_robust_list", s_eperm, s_enosys),
        new("futex", s_eintr, s_eagain),
        new("open", s_emfile, s_enfile, s_eacces, s_enoent, s_enomem),
        new("write", s_eintr, s_enospc, s_eio, s_efbig, s_eperm),
        new("dlopen", s_emfile, s_enomem, s_enoent),
    ];
}
