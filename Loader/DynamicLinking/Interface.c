// The dynamic linker's interface as loaded code sees it: dladdr, dladdr1, dlsym, dlvsym, dl_iterate_phdr and _dl_find_object. They
// know what has been loaded first, and then ask the host's functions. They run on any thread, in signal handlers, while an
// exception is on its way and at process exit, so there is no .NET in them, no lock and no allocation of their own.
//
// Interface.o is what this file is compiled to, and part of the assembly; DynamicLinkerTests holds it to that:
//
//   gcc-12 -std=gnu11 -O2 -fPIC -fexceptions -ffreestanding -fno-stack-protector -fcf-protection -Wall -Wextra -Werror -c Interface.c
//
// What they read is written by .NET (UnitDirectory.cs, UnitRecord.cs, NameTable.cs) and does not change once it can be found, but
// for words that are written in one piece. What is taken out is freed when all threads that are inside have left (Readers.cs).
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdint.h>

// A name that a library defines, in an open hash table. Entries are never used again for another name.
struct name
{
    uint64_t hash;
    const char *text; // null: the search ends here
    uint64_t value;   // the address; of a thread-local variable its offset. REMOVED if it is not defined any more
    uint64_t module;  // of a thread-local variable, as __tls_get_addr takes it; else 0
};

#define REMOVED UINT64_MAX

struct names
{
    uint64_t mask;
    struct name entries[];
};

// Where a library looks for what it does not define: other libraries, then the host.
struct scope
{
    uint64_t library_count;
    uint64_t handle_count;
    uint64_t words[]; // libraries, then handles as dlsym takes them
};

struct library
{
    const struct names *names;
    const struct scope *scope;
};

// A unit, or a group of entries of functions that can be redirected.
struct unit
{
    const char *name;
    uint64_t base;
    const ElfW(Phdr) *headers;
    uint64_t header_count;
    const struct library *library;
    const void *unwind_index;
    const ElfW(Sym) *symbols;    // by address
    const uint64_t *symbol_ends; // the largest end of all symbols up to this one
    uint64_t symbol_count;
    const char *strings;
    uint64_t tls_module; // 0 if there is none
    uint64_t is_loading; // not 0: the library does not have its names yet
    uint64_t entry_size; // not 0: a group of entries, of that many bytes each, with these names
    const char *const *entry_names;
    struct link_map map;
    const struct unit *next; // that is listed. One that is taken out still leads on
};

// The addresses of a unit: a node of a tree, which does not change. What lies before it is on the left.
struct range
{
    uint64_t start, end;
    const struct unit *unit;
    const struct range *left, *right;
};

struct directory
{
    uint64_t added, removed; // units, since there is a directory; counted after the list has changed
    const struct unit *units; // in the order of loading; there is always one
    const struct range *ranges;
};

// Written by .NET; what the first leads to, and the next three words, while threads read them.
struct
{
    const struct directory *directory;
    uint64_t phase;
    uint64_t readers[2];
    void *main_program; // dlopen(NULL)
    int64_t tls_base;   // of the shim's TLS block, from the thread pointer
    void *(*tls_get_addr)(const uint64_t *);
    int (*dladdr)(const void *, Dl_info *);
    int (*dladdr1)(const void *, Dl_info *, void **, int);
    void *(*dlsym)(void *, const char *);
    void *(*dlvsym)(void *, const char *, const char *);
    char *(*dlerror)(void);
    int (*dl_iterate_phdr)(int (*)(struct dl_phdr_info *, size_t, void *), void *);
    int (*dl_find_object)(void *, struct dl_find_object *);
} elfloader_host;

#define HOST elfloader_host

// From here to leave(), nothing that can be found is freed. The count belongs to a phase; whoever frees begins a new one, and waits
// for the threads of the old one only, so that it does not wait for those that come.
static unsigned enter(void)
{
    for (;;)
    {
        uint64_t phase = __atomic_load_n(&HOST.phase, __ATOMIC_SEQ_CST) & 1;
        __atomic_fetch_add(&HOST.readers[phase], 1, __ATOMIC_SEQ_CST);
        if ((__atomic_load_n(&HOST.phase, __ATOMIC_SEQ_CST) & 1) == phase)
            return phase;
        __atomic_fetch_sub(&HOST.readers[phase], 1, __ATOMIC_SEQ_CST);
    }
}

static void leave(const unsigned *phase)
{
    __atomic_fetch_sub(&HOST.readers[*phase], 1, __ATOMIC_SEQ_CST);
}

// Also where an exception or the end of the thread leaves a callback.
#define INSIDE __attribute__((cleanup(leave), unused)) unsigned inside = enter()

static const struct unit *first_unit(void)
{
    return __atomic_load_n(&HOST.directory->units, __ATOMIC_ACQUIRE);
}

static const struct unit *after(const struct unit *unit)
{
    return __atomic_load_n(&unit->next, __ATOMIC_ACQUIRE);
}

static const struct range *find_range(uint64_t address)
{
    const struct range *range = __atomic_load_n(&HOST.directory->ranges, __ATOMIC_ACQUIRE);
    while (range && address - range->start >= range->end - range->start)
        range = address < range->start ? range->left : range->right;
    return range;
}

// The symbol that an address lies in; where symbols overlap, the one that begins last. One without a size is only its address.
static const ElfW(Sym) *find_symbol(const struct unit *unit, uint64_t address)
{
    uint64_t low = 0, high = unit->symbol_count;
    while (low < high)
    {
        uint64_t middle = (low + high) / 2;
        if (unit->symbols[middle].st_value <= address)
            low = middle + 1;
        else
            high = middle;
    }

    while (low-- > 0 && unit->symbol_ends[low] > address)
        if (unit->symbols[low].st_value == address || address - unit->symbols[low].st_value < unit->symbols[low].st_size)
            return &unit->symbols[low];
    return 0;
}

static int describe(const void *pointer, Dl_info *info, void **extra, int flags)
{
    uint64_t address = (uint64_t)pointer;
    const struct range *range = find_range(address);
    if (!range)
        return 0;
    const struct unit *unit = range->unit;
    info->dli_fname = unit->name;
    info->dli_fbase = (void *)unit->base;
    info->dli_sname = 0;
    info->dli_saddr = 0;
    const ElfW(Sym) *symbol = 0;
    if (unit->entry_size)
    {
        uint64_t index = (address - range->start) / unit->entry_size;
        info->dli_sname = __atomic_load_n(&unit->entry_names[index], __ATOMIC_ACQUIRE);
        if (info->dli_sname)
            info->dli_saddr = (void *)(range->start + index * unit->entry_size);
    }
    else if ((symbol = find_symbol(unit, address)))
    {
        info->dli_sname = unit->strings + symbol->st_name;
        info->dli_saddr = (void *)symbol->st_value;
    }

    if (flags == RTLD_DL_SYMENT)
        *extra = (void *)symbol;
    else if (flags == RTLD_DL_LINKMAP)
        *extra = (void *)&unit->map;
    return 1;
}

int elfloader_dladdr(const void *address, Dl_info *info)
{
    {
        INSIDE;
        if (describe(address, info, 0, 0))
            return 1;
    }

    return HOST.dladdr(address, info);
}

int elfloader_dladdr1(const void *address, Dl_info *info, void **extra, int flags)
{
    {
        INSIDE;
        if (describe(address, info, extra, flags))
            return 1;
    }

    return HOST.dladdr1(address, info, extra, flags);
}

// A name that is asked for. With a version, a library has it as name@version.
struct wanted
{
    const char *text;
    const char *version;
    uint64_t hash;
};

// FNV-1a; NameTable.cs has the same.
static uint64_t add_to(uint64_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
    return hash;
}

static uint64_t hash_of(const char *text, const char *version)
{
    uint64_t hash = add_to(0xcbf29ce484222325, text);
    return version ? add_to(add_to(hash, "@"), version) : hash;
}

static int is_wanted(const struct wanted *wanted, const char *name)
{
    const char *text = wanted->text;
    while (*text && *text == *name)
        text++, name++;
    if (*text || !wanted->version)
        return *text == *name;
    if (*name++ != '@')
        return 0;
    for (text = wanted->version; *text && *text == *name;)
        text++, name++;
    return *text == *name;
}

static int find_in(const struct library *library, const struct wanted *wanted, void **found)
{
    const struct names *names = __atomic_load_n(&library->names, __ATOMIC_ACQUIRE);
    for (uint64_t i = wanted->hash; names; i++)
    {
        const struct name *name = &names->entries[i & names->mask];
        const char *other = __atomic_load_n(&name->text, __ATOMIC_ACQUIRE);
        if (!other)
            return 0;
        uint64_t value = __atomic_load_n(&name->value, __ATOMIC_RELAXED);
        if (name->hash != wanted->hash || value == REMOVED || !is_wanted(wanted, other))
            continue;
        if (name->module)
        {
            uint64_t variable[2] = {name->module, value};
            *found = HOST.tls_get_addr(variable);
        }
        else
            *found = (void *)value;
        return 1;
    }

    return 0;
}

// What a unit defines whose initializers run.
static int find_loading(const struct unit *unit, const struct wanted *wanted, void **found)
{
    if (!__atomic_load_n(&unit->is_loading, __ATOMIC_RELAXED))
        return 0;
    for (uint64_t i = 0; i < unit->symbol_count; i++)
        if (is_wanted(wanted, unit->strings + unit->symbols[i].st_name))
        {
            *found = (void *)unit->symbols[i].st_value;
            return 1;
        }
    return 0;
}

// What the library of the calling code defines, unless the next definition is asked for, then those that it links to. Else the
// host is to be asked: handle by handle.
static int find(const struct unit *unit, const struct wanted *wanted, int is_next, void **found)
{
    if (!is_next && (find_in(unit->library, wanted, found) || find_loading(unit, wanted, found)))
        return 1;
    const struct scope *scope = __atomic_load_n(&unit->library->scope, __ATOMIC_ACQUIRE);
    for (uint64_t i = 0; i < scope->library_count; i++)
        if (find_in((const struct library *)scope->words[i], wanted, found))
            return 1;
    return 0;
}

// Where the caller is none of the units (a function that ends with a call of dlsym jumps there, and is gone): what any of them
// defines, in the order of loading.
static int find_anywhere(const struct wanted *wanted, void **found)
{
    const struct library *last = 0;
    for (const struct unit *unit = first_unit(); unit; unit = after(unit))
    {
        if (unit->library != last && find_in(unit->library, wanted, found))
            return 1;
        if (find_loading(unit, wanted, found))
            return 1;
        last = unit->library;
    }

    return 0;
}

int elfloader_dladdr(const void *, Dl_info *);
int elfloader_dladdr1(const void *, Dl_info *, void **, int);
void *elfloader_dlsym(void *, const char *);
void *elfloader_dlvsym(void *, const char *, const char *);
int elfloader_dl_iterate_phdr(int (*)(struct dl_phdr_info *, size_t, void *), void *);
int elfloader_dl_find_object(void *, struct dl_find_object *);

// Who asks for one of these functions by name gets the one that knows of loaded code, too.
static void *own(const char *text)
{
    const struct wanted wanted = {text, 0, 0};
    return is_wanted(&wanted, "dladdr") ? (void *)elfloader_dladdr
        : is_wanted(&wanted, "dladdr1") ? (void *)elfloader_dladdr1
        : is_wanted(&wanted, "dlsym") ? (void *)elfloader_dlsym
        : is_wanted(&wanted, "dlvsym") ? (void *)elfloader_dlvsym
        : is_wanted(&wanted, "dl_iterate_phdr") ? (void *)elfloader_dl_iterate_phdr
        : is_wanted(&wanted, "_dl_find_object") && HOST.dl_find_object ? (void *)elfloader_dl_find_object
        : 0;
}

static void *ask_host(void *handle, const char *text, const char *version)
{
    return version ? HOST.dlvsym(handle, text, version) : HOST.dlsym(handle, text);
}

static void *lookup(void *handle, const char *text, const char *version, void *caller)
{
    if (handle == RTLD_NEXT || handle == RTLD_DEFAULT || handle == HOST.main_program)
    {
        INSIDE;
        const struct range *range = find_range((uint64_t)caller - 1); // a call may be a function's last instruction
        void *found = 0;
        struct wanted wanted = {text, version, hash_of(text, version)};
        if (range ? find(range->unit, &wanted, handle == RTLD_NEXT, &found) : handle != RTLD_NEXT && find_anywhere(&wanted, &found))
        {
            (void)HOST.dlerror(); // it tells of what failed last, and this has not
            return found;
        }

        if ((found = own(text)))
            return found;

        if (range)
        {
            const struct scope *scope = __atomic_load_n(&range->unit->library->scope, __ATOMIC_ACQUIRE);
            for (uint64_t i = 0; i < scope->handle_count && !found; i++)
                found = ask_host((void *)scope->words[scope->library_count + i], text, version);
            if (scope->handle_count)
                return found;
        }

        handle = RTLD_DEFAULT; // to the host, all loaded code comes before the first of its own
    }

    return ask_host(handle, text, version);
}

void *elfloader_dlsym(void *handle, const char *text)
{
    return lookup(handle, text, 0, __builtin_return_address(0));
}

void *elfloader_dlvsym(void *handle, const char *text, const char *version)
{
    return lookup(handle, text, version, __builtin_return_address(0));
}

// This thread's block of a module, if it has one: Shim.s has the layout of the vectors.
static void *block_of(uint64_t module)
{
    const uint64_t is_static = (uint64_t)1 << 62;
    if (module & is_static)
    {
        uint64_t thread_pointer;
        __asm__("mov %%fs:0, %0" : "=r"(thread_pointer));
        return (void *)(thread_pointer + (int32_t)module);
    }

    const uint64_t *vector; // capacity, two links, blocks
    __asm__("mov %%fs:8(%1), %0" : "=r"(vector) : "r"(HOST.tls_base));
    uint32_t index = (uint32_t)module;
    return vector && index < vector[0] ? (void *)vector[3 + index] : 0;
}

struct forwarding
{
    int (*visit)(struct dl_phdr_info *, size_t, void *);
    void *data;
    uint64_t added, removed;
};

static int forward(struct dl_phdr_info *info, size_t size, void *data)
{
    struct forwarding *to = data;
    struct dl_phdr_info copy = {0};
    unsigned char *target = (unsigned char *)&copy;
    if (size < sizeof copy)
        return to->visit(info, size, to->data);
    for (size_t i = 0; i < sizeof copy; i++)
        target[i] = ((const unsigned char *)info)[i];
    copy.dlpi_adds += to->added;
    copy.dlpi_subs += to->removed;
    return to->visit(&copy, sizeof copy, to->data);
}

static int ignore(struct dl_phdr_info *info, size_t size, void *data)
{
    (void)size;
    struct dl_phdr_info *counts = data;
    counts->dlpi_adds = info->dlpi_adds;
    counts->dlpi_subs = info->dlpi_subs;
    return 1;
}

int elfloader_dl_iterate_phdr(int (*visit)(struct dl_phdr_info *, size_t, void *), void *data)
{
    struct forwarding host = {.visit = visit, .data = data};
    struct dl_phdr_info info = {0};
    (void)HOST.dl_iterate_phdr(ignore, &info); // the host's counts
    {
        INSIDE;
        host.added = __atomic_load_n(&HOST.directory->added, __ATOMIC_ACQUIRE);
        host.removed = __atomic_load_n(&HOST.directory->removed, __ATOMIC_ACQUIRE);
        info.dlpi_adds += host.added;
        info.dlpi_subs += host.removed;
        for (const struct unit *unit = first_unit(); unit; unit = after(unit))
        {
            struct dl_phdr_info shown = info;
            shown.dlpi_name = unit->name;
            shown.dlpi_phdr = unit->headers;
            shown.dlpi_phnum = unit->header_count;
            shown.dlpi_tls_modid = unit->tls_module;
            shown.dlpi_tls_data = unit->tls_module ? block_of(unit->tls_module) : 0;
            int result = visit(&shown, sizeof shown, data);
            if (result)
                return result;
        }
    }

    return HOST.dl_iterate_phdr(forward, &host);
}

int elfloader_dl_find_object(void *address, struct dl_find_object *result)
{
    {
        INSIDE;
        const struct range *range = find_range((uint64_t)address);
        if (range)
        {
            *result = (struct dl_find_object){
                .dlfo_map_start = (void *)range->start,
                .dlfo_map_end = (void *)range->end,
                .dlfo_link_map = (struct link_map *)&range->unit->map,
                .dlfo_eh_frame = (void *)range->unit->unwind_index,
            };
            return 0;
        }
    }

    return HOST.dl_find_object(address, result);
}
