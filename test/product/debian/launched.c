/* Prints what a program is started with, as far as it is the same on every start. */
#define _GNU_SOURCE
#include <elf.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>

extern char **environ;

/* Their values are addresses, and differ from start to start. */
static int is_address(unsigned long type)
{
    return type == AT_PHDR || type == AT_BASE || type == AT_ENTRY || type == AT_RANDOM || type == AT_PLATFORM || type == AT_EXECFN ||
           type == AT_SYSINFO_EHDR;
}

int main(int argc, char **argv)
{
    for (int n = 0; n < argc; n++) printf("argument %s\n", argv[n]);
    printf("%d arguments, %s\n", argc, argv[argc] == NULL && environ == argv + argc + 1 ? "then the environment" : "astray");
    char **at = environ;
    for (; *at != NULL; at++) printf("environment %s\n", *at);
    for (Elf64_auxv_t *aux = (Elf64_auxv_t *)(at + 1); aux->a_type != AT_NULL; aux++)
        printf("auxiliary %lu %lx\n", aux->a_type, is_address(aux->a_type) ? aux->a_un.a_val != 0 : aux->a_un.a_val);
    printf("run as %s%s\n", (const char *)getauxval(AT_EXECFN), getauxval(AT_SECURE) ? ", securely" : "");
    pthread_attr_t attributes;
    void *low;
    size_t size;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &low, &size);
    printf("stack %s\n", (char *)argv > (char *)low && (char *)argv < (char *)low + size ? "known" : "unknown");
    /* More than the heap has at first: above malloc's threshold they are mapped, each on its own. */
    void *blocks[3];
    for (int n = 0; n < 3; n++) blocks[n] = malloc(100000);
    fprintf(stderr, "%s\n", mallinfo2().hblks > 0 ? "mapped" : "on the heap");
    for (int n = 0; n < 3; n++) free(blocks[n]);
    return 0;
}
