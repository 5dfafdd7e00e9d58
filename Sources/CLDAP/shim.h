#include <ldap.h>

#include "service.h"
