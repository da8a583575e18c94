/* Read before every source of the addon: names the versions these symbols had in glibc 2.2.5, so that an addon compiled
   on a new Debian runs on any glibc since. The functions are the same; newer versions only moved library or errno habits. */
#define OLD(name) __asm__(".symver " #name "," #name "@GLIBC_2.2.5");
OLD(exp)
OLD(log)
OLD(log2)
OLD(pow)
OLD(dlopen)
OLD(dlsym)
OLD(dlclose)
OLD(dlerror)
OLD(pthread_create)
OLD(pthread_join)
OLD(pthread_once)
OLD(pthread_mutex_trylock)
OLD(pthread_mutexattr_init)
OLD(pthread_mutexattr_settype)
OLD(pthread_mutexattr_destroy)
