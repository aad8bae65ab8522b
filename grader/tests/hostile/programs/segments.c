/* Leaves System V objects and POSIX names behind. */
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

int main(void)
{
	shmget(0x6d61706c, 4096, IPC_CREAT | 0600);
	semget(0x6d61706c, 1, IPC_CREAT | 0600);
	msgget(0x6d61706c, IPC_CREAT | 0600);
	shm_open("/@LEFT@", O_CREAT | O_RDWR, 0600);
	return 0;
}
