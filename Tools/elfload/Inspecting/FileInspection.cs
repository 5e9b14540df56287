using ElfLoader.Elf;
using ElfLoader.Tools.Arguments;
using ElfLoader.Tools.Json;

namespace ElfLoader.Tools.Inspecting;

/// <summary>Looks at inputs, whatever they are. What is wrong with one keeps nobody from looking at the others.</summary>
internal sealed class FileInspection(InspectionRequest request, ReadLimits limits)
{
    private readonly List<LinkError> _errors = [];

    /// <summary>What was wrong so far.</summary>
    internal IReadOnlyList<LinkError> Errors => _errors;

    /// <summary>Looks at a file; null if it cannot be read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="name">Its name for messages.</param>
    internal FileJson? Inspect(string path, string name)
    {
        try
        {
            return Inspect(path, name, ReadFile(path));
        }
        catch (LinkException exception)
        {
            _errors.AddRange(exception.Errors);
            return null;
        }
    }

    private FileJson Inspect(string path, string name, byte[] bytes)
    {
        name = path is CommandInputs.StandardInput ? CommandInputs.StandardInputName : name;
        FileKind kind = FileKind.Detect(bytes);
        switch (kind)
        {
            case FileKind.Archive or FileKind.ThinArchive:
                string folder = Path.GetDirectoryName(path) ?? "";
                Archive archive = Archive.Read(bytes, name, NamedFile.MembersFrom(folder, limits));
                return InspectArchive(path, kind, archive);
            case FileKind.LinkerScript:
                return new FileJson(path, NameOf(kind)) { Inputs = LinkerScript.Read(bytes, name) };
            default: // an object, or the reader says what is wrong with it
                return new FileJson(path, NameOf(kind))
                {
                    Objects = [ObjectInspection.Of(ElfObject.Read(bytes, name), request)],
                };
        }
    }

    private FileJson InspectArchive(string path, FileKind kind, Archive archive)
    {
        List<MemberJson> members = [];
        List<ObjectJson> objects = [];
        foreach (ArchiveMember member in archive.Members)
        {
            try
            {
                FileKind memberKind = FileKind.Detect(member.Bytes.Span);
                members.Add(new MemberJson(
                    member.Name,
                    member.DistinctName,
                    NameOf(memberKind),
                    FileDescription.Of(member.Bytes.Span),
                    member.Bytes.Length,
                    AddressText.Format((ulong)member.Offset)));
                if (request.IsDetailed && memberKind is FileKind.Object)
                {
                    objects.Add(ObjectInspection.Of(ElfObject.Read(member.Bytes, member.FullName), request));
                }
            }
            catch (LinkException exception)
            {
                _errors.AddRange(exception.Errors);
            }
        }

        return new FileJson(path, NameOf(kind)) { Objects = objects, Members = members };
    }

    private static string NameOf(FileKind kind) => kind switch
    {
        FileKind.Object => "object",
        FileKind.SharedObject => "shared-object",
        FileKind.Executable => "executable",
        FileKind.Archive => "archive",
        FileKind.ThinArchive => "thin-archive",
        FileKind.LinkerScript => "linker-script",
        _ => "unknown",
    };

    private byte[] ReadFile(string path)
    {
        try
        {
            return path is CommandInputs.StandardInput ? CommandInputs.ReadStandardInput(limits) : InputBytes.Read(path, limits);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw FileFault.Reading(path, exception);
        }
    }
}
