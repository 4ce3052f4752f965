// pkg-config's flags for libpq hold the include directory, which differs between distributions.
#include <libpq-fe.h>
