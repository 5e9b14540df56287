// The floor for loading x86-64 objects: copies every allocated section into fresh pages, then walks every RELA entry once
// and stores 4 or 8 bytes. Symbol values are known beforehand; no name is resolved and nothing is checked.
#include "harness.h"
#include <elf.h>

struct Object {
  std::vector<char> Bytes;
  std::vector<char *> At; // where each section lies
  Elf64_Ehdr *Header() { return (Elf64_Ehdr *)Bytes.data(); }
  Elf64_Shdr *Sections() { return (Elf64_Shdr *)(Bytes.data() + Header()->e_shoff); }
  size_t SectionCount() { return Header()->e_shnum ? Header()->e_shnum : Sections()[0].sh_size; }
};

static char *Copy(Object &Object, char *Place) {
  Elf64_Shdr *Sections = Object.Sections();
  for (size_t I = 0; I < Object.At.size(); I++) {
    Elf64_Shdr &Section = Sections[I];
    if (!(Section.sh_flags & SHF_ALLOC))
      continue;
    size_t Alignment = Section.sh_addralign ? Section.sh_addralign : 1;
    Place = (char *)(((size_t)Place + Alignment - 1) & -Alignment);
    Object.At[I] = Place;
    if (Section.sh_type != SHT_NOBITS)
      memcpy(Place, Object.Bytes.data() + Section.sh_offset, Section.sh_size);
    Place += Section.sh_size;
  }
  return Place;
}

static void Relocate(Object &Object, char *Unknown) {
  Elf64_Shdr *Sections = Object.Sections();
  for (size_t I = 0; I < Object.At.size(); I++) {
    Elf64_Shdr &Section = Sections[I];
    char *Base = Section.sh_type == SHT_RELA ? Object.At[Section.sh_info] : nullptr;
    if (!Base)
      continue;
    auto *Relocation = (Elf64_Rela *)(Object.Bytes.data() + Section.sh_offset);
    auto *End = Relocation + Section.sh_size / sizeof(Elf64_Rela);
    auto *Symbols = (Elf64_Sym *)(Object.Bytes.data() + Sections[Section.sh_link].sh_offset);
    for (; Relocation < End; Relocation++) {
      Elf64_Sym &Symbol = Symbols[ELF64_R_SYM(Relocation->r_info)];
      bool IsDefined = Symbol.st_shndx && Symbol.st_shndx < SHN_LORESERVE;
      size_t S = (size_t)(IsDefined ? Object.At[Symbol.st_shndx] + Symbol.st_value : Unknown);
      char *P = Base + Relocation->r_offset;
      if (ELF64_R_TYPE(Relocation->r_info) == R_X86_64_64)
        *(long *)P = S + Relocation->r_addend;
      else
        *(int *)P = S + Relocation->r_addend - (size_t)P;
    }
  }
}

int main(int, char **Arguments) {
  std::vector<Object> Objects;
  for (const std::string &Path : ReadLines(Arguments[1])) {
    std::ifstream File(Path, std::ios::binary);
    Object Object;
    Object.Bytes.assign(std::istreambuf_iterator<char>(File), {});
    if (Object.Bytes.size() < sizeof(Elf64_Ehdr))
      Fail("cannot read " + Path);
    Object.At.resize(Object.SectionCount());
    Objects.push_back(std::move(Object));
  }
  return Serve([&] {
    double Start = Now();
    size_t Total = 4096;
    for (Object &Object : Objects)
      for (size_t I = 0; I < Object.At.size(); I++)
        if (Object.Sections()[I].sh_flags & SHF_ALLOC)
          Total += Object.Sections()[I].sh_size + Object.Sections()[I].sh_addralign;
    char *Memory = (char *)mmap(nullptr, Total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *Place = Memory;
    for (Object &Object : Objects) {
      Place = Copy(Object, Place);
      Relocate(Object, Memory);
    }
    mprotect(Memory, Total, PROT_READ | PROT_EXEC);
    double Elapsed = Now() - Start;
    munmap(Memory, Total);
    return Elapsed;
  });
}
