#include <consilia.h>

int main(void) {
    return strlen(consilia_version()) > 0 ? 0 : 1;
}
